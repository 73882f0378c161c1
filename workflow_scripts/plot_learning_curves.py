"""Plot losses and validation F1 by epoch of one network at one slice length."""

from collections import defaultdict

from artistid.figures.learning_curves import draw_learning_curves
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.tables.reading import read_table

wildcards = snakemake.wildcards
with job_log(snakemake.log[0], f"learning curves {wildcards.model} {wildcards.slice}") as log:
    histories = defaultdict(list)
    for path in snakemake.input.histories:
        history = read_table(path)
        histories[history["split"].iloc[0]].append(history)
    figure = draw_learning_curves(histories, f"{wildcards.model}, {wildcards.slice} slices")
    save(figure, snakemake.output[0])
    log.info("%d histories drawn", len(snakemake.input.histories))
