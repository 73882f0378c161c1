"""From predictions to scores, intervals and comparisons."""
