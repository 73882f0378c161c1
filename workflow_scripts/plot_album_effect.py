"""Plot the album effect of every model with its interval, at one level."""

from artistid.evaluation import MEAN, NO_POOLING, SLICE
from artistid.figures.album_effect import draw_album_effect
from artistid.figures.style import save
from artistid.jobs import logged
from artistid.tables import in_order, read_table

level = snakemake.wildcards.level
with logged(snakemake.log[0], f"album effect, {level}") as log:
    pooling = NO_POOLING if level == SLICE else MEAN
    effects = read_table(snakemake.input.effects)
    effects = effects[(effects["level"] == level) & (effects["pooling"] == pooling)]
    effects = in_order(effects, snakemake.params.models)
    several = effects["model"].duplicated(keep=False)
    lengths = effects["slice_seconds"].map(" {:g} s".format)
    effects["model"] = effects["model"].where(~several, effects["model"] + lengths)
    save(draw_album_effect(effects), snakemake.output[0])
    log.info("%d models drawn", len(effects))
