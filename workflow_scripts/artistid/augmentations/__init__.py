"""Augmentations of training slices: one file each, found by its name.

A file defines `Settings`, a dataclass whose defaults are the strength of its source, and `Augment`,
an `artistid.training.augmentation.Augmentation`. It draws from the generator that it is given
alone, and its shapes do not depend on what it draws, so that a GPU can replay it. `WITHOUT_EFFECT`
are settings that change nothing, which the tests check.
"""
