# Music artist classification: from a folder of recordings to the paper's F1 tables.
#
#   recordings -> tracks.csv -> log-mel caches -> splits -> trainings -> tables
#
# The experiment is configured in config.yaml; how and where jobs run, in profiles/.


# First, because it refuses every version of Snakemake but the one that it repairs.
include: "rules/repairs.smk"


configfile: "config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/resources.smk"


wildcard_constraints:
    artist="[^/]+",
    album="[^/]+",
    album_id="[a-z0-9_-]+",
    model="[a-z][a-z0-9_]*",
    split="song|album",
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


# The stages, to ask for one alone: `snakemake tables`. Together they name every file that a user would
# miss: a deleted intermediate is made again, even when all that was made from it still stands.
rule corpus:
    input:
        demo_audio,
        rules.scan_corpus.output,
        rules.check_corpus.output,


rule log_mels:
    input:
        rules.write_mel_filters.output,
        log_mel_files,


rule splits:
    input:
        files_of_splits(*rules.draw_split.output),
        rules.collect_leakage.output,


rule runs:
    input:
        files_of_networks(*rules.train_network.output),
        files_of_runs(*rules.train_frame_system.output, *rules.score_run.output),
        files_of_references(*rules.score_references.output),
        choice_of_follow_up,


rule tables:
    input:
        rules.aggregate_runs.output,
        rules.compare_runs.output,
        rules.make_tables.output,


rule figures:
    input:
        figure_files,


rule all:
    default_target: True
    input:
        rules.corpus.input,
        rules.log_mels.input,
        rules.splits.input,
        rules.runs.input,
        rules.tables.input,
        rules.figures.input,


onstart:
    check_writable()
    for reduction in REDUCTIONS:
        logger.info(f"demo corpus, smaller than configured: {reduction}")


onsuccess:
    print_results()
