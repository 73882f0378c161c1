"""Plot losses and validation F1 by epoch of one network at one slice length."""

from collections import defaultdict
from pathlib import Path

from artistid.figures.learning_curves import draw_learning_curves
from artistid.figures.style import save
from artistid.jobs import logged
from artistid.tables import read_table

wildcards = snakemake.wildcards
with logged(snakemake.log[0], f"learning curves {wildcards.model} {wildcards.slice}") as log:
    histories = defaultdict(list)
    for path in snakemake.input.histories:
        split = Path(path).parts[-4]  # runs/<model>/<split>/<slice>/<seed>/history.csv
        histories[split].append(read_table(path))
    figure = draw_learning_curves(histories, f"{wildcards.model}, {wildcards.slice} slices")
    save(figure, snakemake.output[0])
    log.info("%d histories drawn", len(snakemake.input.histories))
