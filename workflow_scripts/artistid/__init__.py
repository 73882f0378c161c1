"""Music artist classification from log-mel spectrograms.

The library behind the workflow. It knows nothing of Snakemake: every module can be imported and
tested alone. Nothing is imported here, so that a job pays only for the modules that it names.
"""

__version__ = "0.2.0"
