"""Results that no configuration needs any more."""
