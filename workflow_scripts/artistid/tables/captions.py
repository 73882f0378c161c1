"""Sentences that several captions share."""

SEEDS = (
    "Scored with the weights of the lowest validation loss; "
    "mean ± sample standard deviation over the seeds. "
)
SIZES = "Songs and slices: tested, mean over the seeds. "
INTERVALS = (
    "95 % interval (in brackets): bootstrap over songs within artists, widened by what the seeds "
    "differ by beyond it (docs/statistics.md); on the album split it is conditional on the albums "
    "that were drawn where there is one seed; two or more draw other albums, whose variance is "
    "then part of what the seeds differ by. "
    "† fewer than seven songs of an artist in a test set: too few for the interval to be trusted. "
)
BEST = (
    "Best: the highest test score of a single seed, as published tables report it; it is no "
    "estimate of performance. "
)
GUESSING = (
    "Chance is the expected score of guessing every artist equally often, each answer by itself; "
    "majority always answers the training set's most frequent artist."
)
