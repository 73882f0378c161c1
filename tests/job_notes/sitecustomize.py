"""Loaded by every Python whose PYTHONPATH holds this folder: a job notes what it loaded.

When a job of the workflow ends, the folder that JOB_NOTES names gets a file with the job's rule,
the stage that its code is, and the workflow's modules that the job has loaded.
"""

import atexit
import json
import os
import sys
from pathlib import Path


def write_note() -> None:
    main = sys.modules["__main__"]
    job = getattr(main, "snakemake", None)
    if not hasattr(job, "rule"):  # no job's script, but Snakemake itself
        return
    files = {getattr(module, "__file__", None) for module in sys.modules.values()} - {None}
    note = {
        "rule": job.rule,
        "stage": next(iter(job.params.code)),
        "loaded": [path for path in files if "workflow_scripts" in Path(path).parts],
    }
    folder = Path(os.environ["JOB_NOTES"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{job.rule}-{os.getpid()}.json").write_text(json.dumps(note))


atexit.register(write_note)
