"""Plot the album effect of every model with its interval, at one level."""

from artistid.figures.album_effect import draw_album_effect
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.scoring.pooling import MAIN_POOLING
from artistid.tables.reading import in_order, read_table

level = snakemake.wildcards.level
with job_log(snakemake.log[0], f"album effect, {level}") as log:
    pooling = MAIN_POOLING[level]
    effects = read_table(snakemake.input.effects)
    effects = effects[(effects["level"] == level) & (effects["pooling"] == pooling)]
    effects = in_order(effects, snakemake.params.models)
    several = effects.groupby("model")["slice_seconds"].transform("nunique") > 1
    lengths = effects["slice_seconds"].map(" {:g} s".format)
    effects["model"] = effects["model"].where(~several, effects["model"] + lengths)
    pairs = effects["split_by_track"] + " − " + effects["split_by_album"]
    if len(pairs.unique()) > 1:
        effects["model"] += ", " + pairs
    save(draw_album_effect(effects), snakemake.output[0])
    log.info("%d models drawn", len(effects))
