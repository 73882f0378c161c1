# From predictions to scores, and to the model that the paper's second step takes on.


rule score_run:
    input:
        predictions=f"{RUN}/predictions.h5",
        sources=sources("score_run.py"),
    output:
        metrics=f"{RUN}/metrics.csv",
        artists=f"{RUN}/f1_by_artist.csv",
        outcomes=f"{RUN}/outcomes.h5",
    log:
        f"{LOGS}/score_run/{AXES}.log",
    benchmark:
        f"{BENCHMARKS}/score_run/{AXES}.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(scoring_needs),
        runtime=runtime(scoring_needs),
        disk_mb=disk_mb(scoring_needs),
    script:
        "../workflow_scripts/score_run.py"


rule score_references:
    input:
        split=split_manifest,
        # Must exist; rerunning the audit scores nothing again.
        audit=ancient(AUDIT),
        log_mel=log_mel_files,
        sources=sources("score_references.py"),
    output:
        metrics=f"{REFERENCE}/metrics.csv",
        artists=f"{REFERENCE}/f1_by_artist.csv",
    log:
        f"{LOGS}/score_references/{{split}}/{{slice}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score_references/{{split}}/{{slice}}/seed{{seed}}.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(reference_needs),
        runtime=runtime(reference_needs),
        disk_mb=disk_mb(reference_needs),
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
    script:
        "../workflow_scripts/score_references.py"


checkpoint choose_follow_up:
    input:
        metrics=first_network_metrics,
        sources=sources("choose_follow_up.py"),
    output:
        choice=f"{RESULTS}/follow_up/choice.json",
        table=f"{RESULTS}/follow_up/candidates.csv",
    log:
        f"{LOGS}/choose_follow_up.log",
    benchmark:
        f"{BENCHMARKS}/choose_follow_up.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(table_needs),
        runtime=runtime(table_needs),
        disk_mb=disk_mb(table_needs),
    params:
        networks=networks(config),
    script:
        "../workflow_scripts/choose_follow_up.py"
