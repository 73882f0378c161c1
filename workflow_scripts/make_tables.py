"""Make the paper's tables, each for machines (CSV) and for people (Markdown)."""

from pathlib import Path

from artistid import tables
from artistid.jobs import logged

CHOICE = (
    "Weights of the best validation loss; mean ± sample standard deviation over the seeds. Songs "
    "and slices: tested, mean over the seeds. "
)
CAPTIONS = {
    "f1_by_model": (
        "Slice-level F1 by model and split",
        "Corpus: {corpus}; test set. Macro F1 (plain mean over the artists) is the paper's metric, "
        "weighted F1 the baseline's. "
        + CHOICE
        + "Best: the highest macro F1 of a single seed on the test set, as published tables "
        "report; it is no estimate of performance. Chance guesses every artist equally often "
        "(expected value), majority always answers the training set's most frequent artist.",
    ),
    "f1_by_slice": (
        "Slice-level macro F1 by slice length and split",
        "Corpus: {corpus}; test set. " + CHOICE,
    ),
    "f1_by_artist": (
        "Slice-level F1 by artist",
        "Corpus: {corpus}; test set. " + CHOICE,
    ),
    "training_time": (
        "Average training time",
        "Corpus: {corpus}. Wall-clock time of the training loop, validation included, mean ± "
        "sample standard deviation over splits and seeds, on the machine that ran it.",
    ),
}


def write(name: str, for_machines, for_people) -> None:
    title, caption = CAPTIONS[name]
    caption = caption.format(corpus=snakemake.params.corpus)
    path = Path(snakemake.params.folder) / name
    tables.write_csv(for_machines, path.with_suffix(".csv"))
    tables.write_markdown(for_people, path.with_suffix(".md"), title, caption)


with logged(snakemake.log[0], "tables") as log:
    params = snakemake.params
    order = [*params.models, *tables.REFERENCES]
    summary = tables.summarise_runs(tables.read_table(snakemake.input.metrics), order)
    artists = tables.artist_table(tables.read_table(snakemake.input.artists))
    times = tables.training_times(tables.read_table(snakemake.input.timing), order)
    by_model = summary[summary["slice_seconds"].isin(params.first_seconds)]
    write("f1_by_model", by_model, tables.f1_table(by_model))
    if "f1_by_slice" in params.tables:
        several = tables.at_several_lengths(summary)
        write("f1_by_slice", several, tables.slices_by_split(several))
    write("f1_by_artist", artists, tables.artists_by_model(artists))
    write("training_time", times, tables.training_time_table(times))
    log.info("%d tables written", len(params.tables))
