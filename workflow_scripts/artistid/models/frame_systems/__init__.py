"""The classical systems on MFCC frames, one module each (see `artistid.models.registry`).

Built as ``System(settings, n_classes, seed)``. ``fit(mfccs, targets)`` learns from tracks, each an
array of shape (frames, 20); ``slice_scores(mfcc, starts, slice_frames)`` returns (slices, classes)
for one track. The scores are log-likelihoods or decision values; the caller calibrates both.
``state()`` returns what a trained system has learnt, as arrays by name; ``load_state(arrays)``
gives it to a system that was built with the same settings.
"""
