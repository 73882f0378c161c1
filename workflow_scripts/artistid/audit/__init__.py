"""What leaks between the subsets of a split."""
