"""The checked configuration, and what jobs need and depend on; read by the rules only."""
