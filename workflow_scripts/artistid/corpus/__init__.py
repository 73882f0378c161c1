"""Recordings: found, decoded, listed and checked."""
