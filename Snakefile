# Music artist classification: from a folder of recordings to the paper's F1 tables.
#
# The stages, in order: corpus, features, splits, audit, training, scoring, tables, figures.
#
# The experiment is configured in config.yaml; how and where jobs run, in profiles/.


# Included first, because it refuses every version of Snakemake except the one that it repairs.
include: "rules/repairs.smk"


configfile: "config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/needs.smk"


wildcard_constraints:
    artist="[^/]+",
    album="[^/]+",
    album_id="[a-z0-9_-]+",
    model=one_of(config["experiment"]["models"]),
    split=one_of(SPLITS),
    cut="(draw[0-9]+|list)(-fold[0-9]+)?",
    slice="[0-9.]+s|whole",
    seed="[0-9]+",


include: "rules/corpus.smk"
include: "rules/features.smk"
include: "rules/splits.smk"
include: "rules/audit.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/prediction.smk"
include: "rules/listening.smk"
include: "rules/terminal.smk"


# The stages as targets, so that you can ask for one: `snakemake tables`. Together they name every file
# that a user would miss: a deleted intermediate file is regenerated even if everything derived from it
# still exists.
rule corpus:
    """Find and check the recordings; make those of the demo."""
    input:
        demo_audio,
        rules.scan_corpus.output,


rule features:
    """Compute the log-mel spectrograms, a file per album."""
    input:
        rules.write_mel_filters.output,
        log_mel_files,
        rules.index_log_mel.output,


rule splits:
    """Draw train, validation and test for each cut of each split, or read them from a list."""
    input:
        collect(SPLIT.format(**OF_RUN), run=all_cuts),


rule audit:
    """Look for leaks between the subsets of each split."""
    input:
        collect(of_each_run(rules.audit_split.output), run=all_cuts),
        rules.collect_leakage.output,


rule training:
    """Train every model and predict validation and test."""
    input:
        rules.check_corpus.output,
        collect(of_each_run(rules.train_network.output), run=trained_networks),
        collect(of_each_run(rules.train_frame_system.output), run=trained_runs),


rule scoring:
    """Average ensembles; score runs over their folds, and guessing; choose the second step's network."""
    input:
        collect(of_each_run(rules.average_predictions.output), run=averages),
        collect(of_each_run(rules.score_run.output), run=all_runs),
        collect(of_each_run(rules.score_references.output), run=references),
        choice_of_follow_up,


rule tables:
    """Aggregate the runs and write the tables."""
    input:
        rules.aggregate_runs.output,
        rules.compare_runs.output,
        rules.score_calibration.output if HAS_UNKNOWN_ARTISTS else [],
        rules.make_tables.output,


rule figures:
    """Draw the figures."""
    input:
        rules.plot_log_mels.output,
        rules.plot_resources.output,
        rules.plot_reliability.output,
        expand(rules.plot_f1_by_slice.output, level=LEVELS if HAS_SLICES else []),
        expand(rules.plot_album_effect.output, level=LEVELS if HAS_ALBUM_EFFECT else []),
        collect(of_each_run(rules.plot_learning_curves.output), run=trained_networks),
        collect(of_each_run(rules.plot_confusion.output), run=runs_with_slices),
        collect(of_each_run(rules.plot_confusion_of_songs.output), run=all_runs),
        collect(of_each_run(rules.plot_embedding_map.output), run=runs_of_first_seed),


rule experiments:
    """Compare the scores of all experiments of the corpus; not part of `all`."""
    input:
        rules.compare_experiments.output,


rule models:
    """Package every trained model with its card; not part of `all`."""
    input:
        collect(of_each_run(rules.package_model.output), run=trained_runs),


rule predict:
    """Name the artists of the recordings in `predict.folder`; not part of `all`."""
    input:
        rules.collect_answers.output,


rule listening:
    """Make the page to listen to the test tracks and their answers; not part of `all`."""
    input:
        rules.make_listening_page.output,


rule all:
    """Make everything, from the corpus to the figures."""
    default_target: True
    input:
        rules.corpus.input,
        rules.features.input,
        rules.splits.input,
        rules.audit.input,
        rules.training.input,
        rules.scoring.input,
        rules.tables.input,
        rules.figures.input,


onstart:
    check_writable()
    write_record(Path(EXPERIMENT), GIVEN)
    for reduction in REDUCTIONS:
        logger.info(f"demo corpus, smaller than configured: {reduction}")


onsuccess:
    end_displays()
    print_results()


onerror:
    end_displays()
