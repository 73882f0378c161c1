"""The classical systems on whole songs, one module each (see `artistid.models.registry`).

Built as ``System(settings, n_classes, seed)``. ``fit(train, train_targets, validation,
validation_targets)`` learns from tracks, each an array of shape (frames, 20), and chooses its
kernel on the validation tracks; ``track_scores(mfccs)`` returns decision values, (tracks, classes),
and so does ``score_moments(means, covariances)`` of the tracks' frames. ``state()`` and
``load_state(arrays)`` are those of `artistid.models.frame_systems`.
"""
