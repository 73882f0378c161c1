# From the runs that the configuration asks for to the tables.


include: "functions/tables.smk"


rule aggregate_runs:
    input:
        metrics=collect(f"{EACH_RUN}/metrics.csv", run=all_runs),
        references=collect(f"{EACH_REFERENCE}/metrics.csv", run=references),
        artists=collect(f"{EACH_RUN}/f1_by_artist.csv", run=all_runs),
        artists_of_references=collect(
            f"{EACH_REFERENCE}/f1_by_artist.csv", run=references
        ),
        timing=collect(f"{EACH_RUN}/timing.csv", run=predicted_runs),
    output:
        metrics=f"{TABLES_FOLDER}/all_metrics.csv",
        artists=f"{TABLES_FOLDER}/all_f1_by_artist.csv",
        timing=f"{TABLES_FOLDER}/all_timings.csv",
    log:
        f"{LOGS}/aggregate_runs.log",
    benchmark:
        f"{BENCHMARKS}/aggregate_runs.tsv"
    conda:
        "../envs/tables.yaml"
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    params:
        code=code("aggregate_runs.py"),
    script:
        "../workflow_scripts/aggregate_runs.py"


rule compare_runs:
    input:
        outcomes=collect(f"{EACH_RUN}/outcomes.h5", run=all_runs),
        tracks=ancient(usable_tracks),
    output:
        intervals=f"{TABLES_FOLDER}/all_intervals.csv",
        effects=f"{TABLES_FOLDER}/all_album_effects.csv",
        pairs=f"{TABLES_FOLDER}/all_paired_tests.csv",
        albums=f"{TABLES_FOLDER}/all_album_confusions.csv",
    log:
        f"{LOGS}/compare_runs.log",
    benchmark:
        f"{BENCHMARKS}/compare_runs.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(
            needs.comparison,
            size_so_far,
            runs_so_far,
            len(config["experiment"]["models"]),
            HAS_FOLDS,
        ),
    params:
        code=code("compare_runs.py"),
        first_seconds=config["experiment"]["slice_seconds"],
        keeps_albums=KEEPS_ALBUMS,
    script:
        "../workflow_scripts/compare_runs.py"


rule score_calibration:
    input:
        predictions=collect(f"{EACH_RUN}/predictions.h5", run=predicted_runs),
        tracks=ancient(usable_tracks),
    output:
        calibration=f"{TABLES_FOLDER}/all_calibrations.csv",
        open_sets=f"{TABLES_FOLDER}/all_open_sets.csv",
    log:
        f"{LOGS}/score_calibration.log",
    benchmark:
        f"{BENCHMARKS}/score_calibration.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(
            needs.calibration,
            size_so_far,
            runs_so_far,
            config["log_mel"],
            HAS_FOLDS,
        ),
    params:
        code=code("score_calibration.py"),
        keeps_albums=KEEPS_ALBUMS,
        reported=config["experiment"]["report_on"],
    script:
        "../workflow_scripts/score_calibration.py"


rule make_tables:
    input:
        metrics=rules.aggregate_runs.output.metrics,
        artists=rules.aggregate_runs.output.artists,
        timing=rules.aggregate_runs.output.timing,
        intervals=rules.compare_runs.output.intervals,
        effects=rules.compare_runs.output.effects,
        pairs=rules.compare_runs.output.pairs,
        albums=rules.compare_runs.output.albums,
        calibration=scored_calibration("calibration"),
        open_sets=scored_calibration("open_sets"),
        published=os.path.relpath(
            SCRIPTS.parent / "resources" / "published_results.csv"
        ),
    output:
        csv=expand(f"{TABLES_FOLDER}/{{table}}.csv", table=TABLES),
        markdown=expand(f"{TABLES_FOLDER}/{{table}}.md", table=TABLES),
        html=[
            report(
                f"{TABLES_FOLDER}/{table}.html",
                caption="../report/table.rst",
                category="Tables",
                labels={"table": table.replace("_", " ")},
            )
            for table in TABLES
        ],
    log:
        f"{LOGS}/make_tables.log",
    benchmark:
        f"{BENCHMARKS}/make_tables.tsv"
    conda:
        "../envs/tables.yaml"
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    params:
        code=code("make_tables.py"),
        corpus=config["corpus"]["name"],
        dataset=config["corpus"]["dataset"],
        tables=TABLES,
        models=config["experiment"]["models"],
        architectures={
            model: architecture_of(config, model)
            for model in config["experiment"]["models"]
        },
        first_seconds=config["experiment"]["slice_seconds"],
        learning_rates={
            network: training_of(config, network)["learning_rate"]
            for network in networks(config)
        },
        splits=list(SPLITS),
        keeps_albums=KEEPS_ALBUMS,
        folds={name: split.n_folds for name, split in SPLITS.items()},
        reported=config["experiment"]["report_on"],
    script:
        "../workflow_scripts/make_tables.py"


rule compare_experiments:
    input:
        metrics=tables_of_experiments("all_metrics.csv"),
        intervals=tables_of_experiments("all_intervals.csv"),
    output:
        csv=f"{CORPUS}/tables/experiments.csv",
        markdown=f"{CORPUS}/tables/experiments.md",
        html=f"{CORPUS}/tables/experiments.html",
    log:
        f"{CORPUS}/logs/compare_experiments.log",
    benchmark:
        f"{CORPUS}/benchmarks/compare_experiments.tsv"
    conda:
        "../envs/tables.yaml"
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    params:
        code=code("compare_experiments.py"),
        corpus=config["corpus"]["name"],
    script:
        "../workflow_scripts/compare_experiments.py"
