# Music artist classification: from a folder of recordings to the paper's F1 tables.
#
#   recordings -> tracks.csv -> log-mel caches -> splits -> trainings -> tables
#
# The experiment is configured in config.yaml; how and where jobs run, in profiles/.

from snakemake.utils import min_version

min_version("9.0")


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


# Every file that a user would miss: a deleted intermediate is made again, even when all that was
# made from it still stands.
rule all:
    default_target: True
    input:
        demo_audio,
        rules.scan_corpus.output,
        rules.write_mel_filters.output,
        log_mel_files,
        rules.collect_leakage.output,
        files_of_runs(*rules.draw_split.output, *rules.score_run.output),
        files_of_runs(*rules.train_frame_system.output),
        files_of_networks(*rules.train_network.output),
        choice_of_follow_up,
        files_of_references(*rules.score_references.output),
        rules.aggregate_runs.output,
        rules.compare_runs.output,
        rules.make_tables.output,
        figure_files,


onstart:
    check_writable()
    for reduction in REDUCTIONS:
        logger.info(f"demo corpus, smaller than configured: {reduction}")


onsuccess:
    print_results()
