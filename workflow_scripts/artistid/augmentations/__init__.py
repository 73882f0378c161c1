"""Augmentations of training slices: one file each, found by its name.

A file defines `Settings`, a dataclass whose defaults are the strength of its source, and
`Augment(settings, decibel)`, called with slices (batch, 1, n_mels, frames), targets (batch,
classes) and a generator. It draws from this generator alone, and its shapes do not depend on what
it draws, so that a GPU can replay it. `WITHOUT_EFFECT` are settings that change nothing, which the
tests check. `decibel` is 1 dB in each mel band of the standardised
slices, shape (n_mels,). Only training slices are augmented.
"""
