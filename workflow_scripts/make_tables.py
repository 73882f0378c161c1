"""Make the tables, each for machines (CSV) and for people (Markdown, HTML)."""

from pathlib import Path

from artistid import rendering, tables
from artistid.jobs import logged
from artistid.published import DATASET, published_table, side_by_side, with_published_hours

SEEDS = "Weights of the best validation loss; mean ± sample standard deviation over the seeds. "
SIZES = "Songs and slices: tested, mean over the seeds. "
INTERVALS = (
    "95 % interval (in brackets): bootstrap over songs within artists, widened by what the seeds "
    "differ by beyond it (docs/statistics.md); on the album split it is conditional on the albums "
    "that were drawn where there is one seed; two or more draw other albums, whose variance is "
    "then part of what the seeds differ by. "
    "† fewer than seven songs of an artist in a test set: too few for the interval to be trusted. "
)
BEST = (
    "Best: the highest test score of a single seed, as published tables report it; it is no "
    "estimate of performance. "
)
GUESSING = (
    "Chance is the expected score of guessing every artist equally often, each answer by itself; "
    "majority always answers the training set's most frequent artist."
)
TITLES = {
    "f1_by_model": "Slice-level F1 by model and split",
    "f1_of_songs": "Song-level F1 by model and split",
    "f1_by_slice": "Slice-level macro F1 by slice length and split",
    "f1_by_artist": "F1 by artist",
    "training_time": "Average training time",
    "album_effect": "The album effect: song-split minus album-split macro F1",
    "paired_tests": "Paired tests between models",
    "album_confusions": "Albums taken for another artist",
    "published": "Published and measured results",
}
CAPTIONS = {
    "f1_by_model": (
        "Test set. Macro F1 (plain mean over the artists) is the paper's metric, weighted F1 the "
        "baseline's. " + SEEDS + SIZES + INTERVALS + BEST + GUESSING
    ),
    "f1_of_songs": (
        "Test set. A song's slices are pooled by their mean log-probability (mean; best, "
        "weighted F1 and accuracy are of this one) or by the baseline's majority vote of the "
        "slices with probability above 0.5, else of all (vote). "
        + (SEEDS + SIZES + INTERVALS + BEST + GUESSING)
    ),
    "f1_by_slice": "Test set. " + SEEDS + INTERVALS + GUESSING,
    "f1_by_artist": (
        "Test set; slice level, for systems on whole songs song level. " + SEEDS + INTERVALS + "An "
        "artist's own interval stands on few songs and covers less than 95 % (docs/statistics.md). "
        + GUESSING
    ),
    "training_time": (
        "Wall-clock time of training, for networks validation included, mean ± sample standard "
        "deviation over splits and seeds, on the machine that ran it."
    ),
    "album_effect": (
        "What the song split adds to macro F1 because test songs share their albums with training "
        "songs. Test set, mean over the seeds. " + INTERVALS.replace(" (in brackets)", "")
    ),
    "paired_tests": (
        "Macro F1 of the first minus the second model on the same test songs (songs pooled by mean "
        "log-probability), mean over the seeds; approximate randomisation, two-sided. It swaps "
        "whole albums where a split keeps albums together, as the album split does, else songs; "
        "each in all seeds at once. p is corrected within each split and slice length for the "
        "number of pairs (Holm). The test is about these trained weights: it does not say that "
        "models trained again would differ. † fewer than seven songs of an artist in a test set."
    ),
    "album_confusions": (
        "Test albums of the album split whose slices were most often taken for one other artist; "
        "mean over models, slice lengths and seeds that tested the album. Right: share of slices "
        "answered with the album's own artist. Share: of slices answered with the named one."
    ),
    "published": (
        "Published values have the metric, level, statistic and protocol of their sources; "
        "measured values are this run's at the same split, level, slice length and metric, with "
        "the number of seeds and the learning rate that the network was trained with here (its "
        "authors trained the CRNN at 1e-3). A value from another corpus is no comparison, and its "
        "protocol says so."
    ),
}


IS_PUBLISHED = snakemake.params.dataset == DATASET


def write(name: str, for_machines, for_people, note: str = "") -> None:
    """Write a table in all its forms, if the experiment has something to say in it."""
    if name not in snakemake.params.tables:
        return
    caption = f"Corpus: {snakemake.params.corpus}. {note}{CAPTIONS[name]}"
    path = Path(snakemake.params.folder) / name
    rendering.write_csv(for_machines, path.with_suffix(".csv"))
    rendering.write_markdown(for_people, path.with_suffix(".md"), TITLES[name], caption)
    rendering.write_html(for_people, path.with_suffix(".html"), TITLES[name], caption)


def write_scores(order: list[str]) -> None:
    """Write the tables of scores with their intervals."""
    metrics = tables.read_table(snakemake.input.metrics)
    intervals = tables.read_table(snakemake.input.intervals)

    def summary(level: str, pooling: str):
        """Return the scores of one level with their intervals."""
        summarised = tables.summarise_runs(metrics, order, level, pooling)
        return tables.with_intervals(summarised, intervals)

    if "f1_by_model" in snakemake.params.tables:
        of_slices = summary("slice", "none")
        by_model = of_slices[of_slices["slice_seconds"].isin(snakemake.params.first_seconds)]
        write("f1_by_model", by_model, tables.f1_table(by_model))
        several = tables.at_several_lengths(of_slices)
        write("f1_by_slice", several, tables.slices_by_split(several))
    by_mean, by_vote = summary("song", "mean"), summary("song", "vote")
    both = tables.concatenated([by_mean, by_vote])
    write("f1_of_songs", both, tables.song_table(by_mean, by_vote))
    write_published(metrics)


def write_published(metrics) -> None:
    """Write published values beside measured ones, on the corpus that they are about only."""
    published = tables.read_table(snakemake.input.published)
    note = ""
    if not IS_PUBLISHED:
        published = published.head(0)
        note = f"This corpus is not {DATASET}: no published value applies. "
    beside = side_by_side(published, metrics, snakemake.params.learning_rates)
    write("published", beside, published_table(beside), note)


def write_times(order: list[str]) -> None:
    """Write the training times, on artist20 beside those that the paper reports."""
    times = tables.training_times(tables.read_table(snakemake.input.timing), order)
    note = ""
    if IS_PUBLISHED:
        times = with_published_hours(times, tables.read_table(snakemake.input.published))
        note = (
            "Published: the paper's averages, on its own machine (4 cores, 16 GB of memory, a GPU "
            "of 13 GB); it does not say of which slice length. "
        )
    write("training_time", times, tables.training_time_table(times), note)


def write_comparisons(order: list[str]) -> None:
    """Write the album effect, the paired tests and the confused albums."""
    effects = tables.in_order(tables.read_table(snakemake.input.effects), order)
    write("album_effect", effects, tables.effect_table(effects))
    pairs = tables.read_table(snakemake.input.pairs)
    shown = pairs[(pairs["level"] == "song") & (pairs["pooling"] == "mean")]
    write("paired_tests", pairs, tables.pair_table(shown))
    albums = tables.read_table(snakemake.input.albums)
    write("album_confusions", albums, tables.album_table(albums))


with logged(snakemake.log[0], "tables") as log:
    order = [*snakemake.params.models, *tables.REFERENCES]
    write_scores(order)
    write_comparisons(order)
    artists = tables.with_intervals(
        tables.artist_table(tables.read_table(snakemake.input.artists), order),
        tables.read_table(snakemake.input.intervals),
        ["f1"],
    )
    write("f1_by_artist", artists, tables.artists_by_model(artists))
    write_times(order)
    log.info("%d tables written", len(snakemake.params.tables))
