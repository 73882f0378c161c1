"""The neural networks, one module each (see `artistid.models.registry`).

A network takes log-mel slices of shape (batch, 1, n_mels, frames), standardised per mel band, and
returns logits of shape (batch, classes). `embed` returns the features before `classifier`, its
last layer.
"""
