"""Plot time and memory of each model's trainings, as Snakemake measured them."""

from pathlib import Path

import pandas as pd

from artistid.figures.resources import draw_resources
from artistid.figures.style import save
from artistid.jobs import logged

with logged(snakemake.log[0], "resources figure") as log:
    rows = []
    for path in snakemake.input.benchmarks:
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        model, _, slice_length, _ = Path(path).parts[-4:]  # <model>/<split>/<slice>/<seed>.tsv
        rows.append(
            {
                "model": model,
                "slice": slice_length,
                "minutes": measured["s"] / 60,
                "gigabytes": measured["max_rss"] / 1000,  # MB
            }
        )
    table = pd.DataFrame(rows).dropna()  # a job that ended before it was looked at has no memory
    several = table.groupby("model")["slice"].transform("nunique") > 1
    table["model"] = table["model"].where(~several, table["model"] + " " + table["slice"])
    save(draw_resources(table), snakemake.output[0])
    log.info("%d runs drawn", len(rows))
