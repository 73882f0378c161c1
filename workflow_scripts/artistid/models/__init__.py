"""The models, by kind, and how they are found."""
