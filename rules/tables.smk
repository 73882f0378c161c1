# From the runs that the configuration asks for to the tables.


rule aggregate_runs:
    input:
        metrics=files_of_runs(f"{RUN}/metrics.csv"),
        references=files_of_references(f"{REFERENCE}/metrics.csv"),
        artists=files_of_runs(f"{RUN}/f1_by_artist.csv"),
        artists_of_references=files_of_references(f"{REFERENCE}/f1_by_artist.csv"),
        timing=files_of_runs(f"{RUN}/timing.csv"),
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
    threads: 1
    resources:
        mem_mb=mem_mb(table_needs),
        runtime=runtime(table_needs),
        disk_mb=disk_mb(table_needs),
    script:
        "../workflow_scripts/aggregate_runs.py"


rule compare_runs:
    input:
        outcomes=files_of_runs(f"{RUN}/outcomes.h5"),
        splits=files_of_runs(rules.draw_split.output[0]),
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
    threads: 1
    resources:
        mem_mb=mem_mb(comparison_needs),
        runtime=runtime(comparison_needs),
        disk_mb=disk_mb(comparison_needs),
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
        sources=sources("make_tables.py"),
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
    threads: 1
    resources:
        mem_mb=mem_mb(table_needs),
        runtime=runtime(table_needs),
        disk_mb=disk_mb(table_needs),
    params:
        corpus=config["corpus"]["name"],
        dataset=config["corpus"]["dataset"],
        folder=lambda wildcards, output: os.path.dirname(output.csv[0]),
        tables=TABLES,
        models=config["experiment"]["models"],
        first_seconds=config["experiment"]["slice_seconds"],
        learning_rates={
            network: config["training"]["learning_rate"]
            for network in networks(config)
        },
    script:
        "../workflow_scripts/make_tables.py"
