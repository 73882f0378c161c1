# From predictions to scores, and to the model that the paper's second step takes on.


include: "functions/scoring.smk"


rule score_run:
    input:
        predictions=f"{RUN}/predictions.h5",
        sources=sources("score_run.py"),
    output:
        metrics=f"{RUN}/metrics.csv",
        artists=f"{RUN}/f1_by_artist.csv",
        outcomes=f"{RUN}/outcomes.h5",
    log:
        f"{LOGS}/score_run/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/score_run/{PATH}.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.scoring, size_so_far, frames_of_run, config["log_mel"]),
    params:
        run=columns_of_run,
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
        f"{LOGS}/score_references/{PATH_OF_ALL_MODELS}.log",
    benchmark:
        f"{BENCHMARKS}/score_references/{PATH_OF_ALL_MODELS}.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.references, size_so_far),
    params:
        run=columns_of_run,
    script:
        "../workflow_scripts/score_references.py"


checkpoint choose_follow_up:
    input:
        metrics=collect(f"{EACH_RUN}/metrics.csv", run=first_runs_of_networks),
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
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    params:
        networks=networks(config),
    script:
        "../workflow_scripts/choose_follow_up.py"
