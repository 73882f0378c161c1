"""The listening page: test tracks to be heard, with the artists' probabilities over time."""
