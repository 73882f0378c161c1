"""From slices to a trained network, and what a run leaves."""
