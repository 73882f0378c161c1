"""The classical systems on whole songs, one module each (see `artistid.models.registry`).

Built as ``System(settings, n_classes, seed)``. ``fit(train, train_targets, validation,
validation_targets)`` learns from tracks, each an array of shape (frames, 20), and chooses its
kernel on the validation tracks; ``track_scores(mfccs)`` returns decision values, (tracks, classes).
"""
