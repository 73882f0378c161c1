"""Results that no configuration asks for any more."""
