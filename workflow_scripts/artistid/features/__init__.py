"""From samples to log-mel spectrograms, MFCCs and slices."""
