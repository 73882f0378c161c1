"""Package a trained model: one self-contained file, and its card as text."""

import json
from pathlib import Path

import numpy as np

from artistid.jobs.logs import job_log
from artistid.prediction.card import facts, in_words
from artistid.prediction.package import write_package
from artistid.runs import Run
from artistid.scoring.outcomes import read_outcomes
from artistid.splits.manifests import read_manifest
from artistid.storage.files import read_rows, write_text

given, output, run = snakemake.input, snakemake.output, Run(**snakemake.params.run)
with job_log(snakemake.log[0], f"package {run.label}") as log:
    card = facts(
        run,
        json.loads(Path(given.provenance).read_text(encoding="utf-8")),
        read_manifest(given.split),
        read_outcomes(Path(given.outcomes[0])),
        read_rows(given.tracks),
        snakemake.params.keeps_albums,
    )
    filters = np.load(given.filters, allow_pickle=False)
    unknown = None
    if given.predictions:
        from artistid.scoring.calibrated_runs import chosen_for_unknown  # loads scipy's optimiser

        unknown = chosen_for_unknown(Path(given.predictions))
    package = write_package(Path(output.model), Path(given.weights), filters, card, unknown)
    write_text(output.card, in_words(package))
    log.info("%d artists, %d bytes", len(package.classes), package.path.stat().st_size)
