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
        timing=collect(f"{EACH_RUN}/timing.csv", run=all_runs),
        sources=sources("aggregate_runs.py"),
    output:
        metrics=f"{RESULTS}/tables/all_metrics.csv",
        artists=f"{RESULTS}/tables/all_f1_by_artist.csv",
        timing=f"{RESULTS}/tables/all_timings.csv",
    log:
        f"{LOGS}/aggregate_runs.log",
    benchmark:
        f"{BENCHMARKS}/aggregate_runs.tsv"
    conda:
        "../envs/tables.yaml"
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    script:
        "../workflow_scripts/aggregate_runs.py"


rule compare_runs:
    input:
        outcomes=collect(f"{EACH_RUN}/outcomes.h5", run=all_runs),
        tracks=ancient(usable_tracks),
        sources=sources("compare_runs.py"),
    output:
        intervals=f"{RESULTS}/tables/all_intervals.csv",
        effects=f"{RESULTS}/tables/all_album_effects.csv",
        pairs=f"{RESULTS}/tables/all_paired_tests.csv",
        albums=f"{RESULTS}/tables/all_album_confusions.csv",
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
        ),
    params:
        first_seconds=config["experiment"]["slice_seconds"],
    script:
        "../workflow_scripts/compare_runs.py"


rule make_tables:
    input:
        metrics=rules.aggregate_runs.output.metrics,
        artists=rules.aggregate_runs.output.artists,
        timing=rules.aggregate_runs.output.timing,
        intervals=rules.compare_runs.output.intervals,
        effects=rules.compare_runs.output.effects,
        pairs=rules.compare_runs.output.pairs,
        albums=rules.compare_runs.output.albums,
        published=os.path.relpath(
            SCRIPTS.parent / "resources" / "published_results.csv"
        ),
        sources=sources(
            "make_tables.py", *(f"artistid/tables/{table}.py" for table in TABLES)
        ),
    output:
        csv=expand(f"{RESULTS}/tables/{{table}}.csv", table=TABLES),
        markdown=expand(f"{RESULTS}/tables/{{table}}.md", table=TABLES),
        html=[
            report(
                f"{RESULTS}/tables/{table}.html",
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
        corpus=config["corpus"]["name"],
        dataset=config["corpus"]["dataset"],
        tables=TABLES,
        models=config["experiment"]["models"],
        first_seconds=config["experiment"]["slice_seconds"],
        learning_rates={
            network: config["training"]["learning_rate"]
            for network in networks(config)
        },
    script:
        "../workflow_scripts/make_tables.py"
