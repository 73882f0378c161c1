"""Using a trained model: packages, files in, answers out."""
