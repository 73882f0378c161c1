"""The commands of ``artistid``, one module each (see `artistid.__main__`)."""
