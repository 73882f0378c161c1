"""Average the predictions of an ensemble's members; nothing is trained."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.runs import Run
from artistid.scoring.ensembles import average, cost
from artistid.scoring.predictions import read_predictions, write_predictions
from artistid.scoring.run_scores import scored_subsets
from artistid.splits.subsets import UNKNOWN
from artistid.storage.files import read_rows, write_json, write_rows
from artistid.training.provenance import describe_run

params, given, output = snakemake.params, snakemake.input, snakemake.output
run = Run(**params.run)
with job_log(snakemake.log[0], run.label) as log:
    # The test set is only read if it is reported.
    subsets = scored_subsets(params.reported)
    unknown = [UNKNOWN[subset] for subset in subsets]
    members = (read_predictions(Path(path), subsets, unknown) for path in given.predictions)
    classes, predictions = average(members, run)
    write_predictions(Path(output.predictions), run, classes, predictions)
    timings = [row for path in given.timing for row in read_rows(path)]
    write_rows(output.timing, [run.columns | cost(timings)], list(timings[0]))
    provenance = describe_run(dict(snakemake.config), "CPU", snakemake.threads, ["h5py", "numpy"])
    averaged = [f"{row['model']} seed{row['seed']}" for row in timings]
    write_json(output.provenance, provenance | {"averaged": averaged})
    log.info("average of %d runs: %s", len(averaged), ", ".join(averaged))
