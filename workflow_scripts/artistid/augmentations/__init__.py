"""Augmentations of training slices, one file each. The file name is the augmentation's name.

A file defines `Settings`, a dataclass with defaults, and `Augment`, a subclass of
`artistid.training.augmentation.Augmentation`. It uses only the random generator that it is given,
and its tensors have fixed shapes, so that a GPU can replay it. `WITHOUT_EFFECT` has settings with
which it changes nothing; the tests use it.
"""
