"""What the classical systems share."""
