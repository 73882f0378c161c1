"""Names of the scores of known and unknown artists, for the code that reads their tables."""

AUROC, ACCURACY = "auroc", "accuracy"
KNOWN_RIGHT, UNKNOWN_REJECTED = "known_right", "unknown_rejected"
KNOWN_RIGHT_IF_ALL = "known_right_without_threshold"
METRICS = (AUROC, ACCURACY, KNOWN_RIGHT, UNKNOWN_REJECTED, KNOWN_RIGHT_IF_ALL)
