"""Plot macro F1 by slice length with its intervals, at one level."""

from artistid.figures.f1_by_slice import draw_f1_by_slice
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.scoring.pooling import MAIN_POOLING
from artistid.tables.reading import concatenated, in_order, read_table
from artistid.tables.summaries import summarise_runs

COLUMNS = ["model", "split", "slice_seconds", "mean", "low", "high", "too_few"]

level = snakemake.wildcards.level
with job_log(snakemake.log[0], f"F1 by slice, {level}") as log:
    pooling = MAIN_POOLING[level]
    models, reported = [*snakemake.params.models, "chance"], snakemake.params.reported
    rows = read_table(snakemake.input.intervals)
    rows = rows[(rows["level"] == level) & (rows["pooling"] == pooling)]
    rows = rows[rows["metric"] == "macro_f1"]
    intervals = in_order(rows, models)
    metrics = read_table(snakemake.input.metrics)
    summary = summarise_runs(metrics, models, level, pooling, reported)
    chance = summary[summary["model"] == "chance"].rename(columns={"macro_f1_mean": "mean"})
    chance = chance.assign(low=chance["mean"], high=chance["mean"], too_few=False)
    save(draw_f1_by_slice(concatenated([intervals[COLUMNS], chance[COLUMNS]])), snakemake.output[0])
    log.info("%d cells drawn", len(intervals))
