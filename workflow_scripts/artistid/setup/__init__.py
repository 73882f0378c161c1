"""The first configuration for a folder of music: what it holds, and what it can carry."""
