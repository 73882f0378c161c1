"""Train, validation and test: drawn, read and checked."""
