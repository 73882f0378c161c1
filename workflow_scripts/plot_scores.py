"""Plot F1 by slice length and the album effect, with their intervals, at one level."""

from artistid.evaluation import MEAN, NO_POOLING, SLICE
from artistid.figures.album_effect import draw_album_effect
from artistid.figures.f1_by_slice import draw_f1_by_slice
from artistid.figures.style import save
from artistid.jobs import logged
from artistid.tables import concatenated, in_order, read_table, summarise_runs

level = snakemake.wildcards.level
with logged(snakemake.log[0], f"scores by {level}") as log:
    pooling = NO_POOLING if level == SLICE else MEAN
    models = [*snakemake.params.models, "chance"]

    def at_level(path: str):
        """Return the rows of the level that is drawn, in the order of the models."""
        rows = read_table(path)
        rows = rows[(rows["level"] == level) & (rows["pooling"] == pooling)]
        return in_order(rows.dropna(subset="slice_seconds"), models)

    intervals = at_level(snakemake.input.intervals)
    summary = summarise_runs(read_table(snakemake.input.metrics), models, level, pooling)
    chance = summary[summary["model"] == "chance"].rename(columns={"macro_f1_mean": "mean"})
    columns = ["model", "split", "slice_seconds", "mean", "low", "high", "too_few"]
    rows = concatenated([intervals, chance]).reindex(columns=columns)
    rows["too_few"] = rows["too_few"].fillna(False).astype(bool)
    save(draw_f1_by_slice(rows), snakemake.output.f1)
    effects = read_table(snakemake.input.effects)
    effects = effects[(effects["level"] == level) & (effects["pooling"] == pooling)]
    effects = in_order(effects, models)
    several = effects["model"].duplicated(keep=False)
    lengths = effects["slice_seconds"].map(" {:g} s".format)
    effects["model"] = effects["model"].where(~several, effects["model"] + lengths)
    save(draw_album_effect(effects), snakemake.output.effect)
    log.info("%d cells, %d album effects drawn", len(intervals), len(effects))
