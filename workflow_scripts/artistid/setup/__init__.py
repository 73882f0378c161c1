"""The first configuration for a folder of music: what it holds, and what it is sufficient for."""
