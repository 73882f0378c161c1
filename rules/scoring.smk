# From predictions to scores, and to the network of the paper's second step.


include: "functions/scoring.smk"


# An ensemble is not trained: it answers with what its members have predicted.
rule average_predictions:
    input:
        predictions=collect(f"{EACH_RUN}/predictions.h5", run=runs_to_average),
        timing=collect(f"{EACH_RUN}/timing.csv", run=runs_to_average),
    output:
        predictions=f"{RUN}/predictions.h5",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/average_predictions/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/average_predictions/{PATH}.tsv"
    wildcard_constraints:
        model=one_of(models_of_kind(config, ENSEMBLES)),
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(
            needs.averaging,
            size_so_far,
            lambda wildcards: len(averaged(wildcards)),
            frames_of_run,
            config["log_mel"],
        ),
    params:
        code=code("average_predictions.py"),
        reported=config["experiment"]["report_on"],
        run=columns_of_run,
    script:
        "../workflow_scripts/average_predictions.py"


rule score_run:
    input:
        predictions=predictions_of_parts,
    output:
        metrics=f"{RUN}/metrics.csv",
        artists=f"{RUN}/f1_by_artist.csv",
        outcomes=f"{RUN}/outcomes.h5",
        tracks=f"{RUN}/tracks.csv",
    log:
        f"{LOGS}/score_run/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/score_run/{PATH}.tsv"
    wildcard_constraints:
        cut=SCORED_CUT,
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(
            needs.scoring,
            size_so_far,
            frames_of_run,
            config["log_mel"],
            HAS_FOLDS,
        ),
    params:
        code=code("score_run.py"),
        reported=config["experiment"]["report_on"],
        top_k=config["experiment"]["top_k"],
        run=columns_of_run,
    script:
        "../workflow_scripts/score_run.py"


rule score_references:
    input:
        split=manifests_of_parts,
        # Must exist; rerunning the audit does not trigger rescoring.
        audit=ancient(audits_of_parts),
        index=ancient(index_of_log_mels),
    output:
        metrics=f"{REFERENCE}/metrics.csv",
        artists=f"{REFERENCE}/f1_by_artist.csv",
    log:
        f"{LOGS}/score_references/{PATH_OF_ALL_MODELS}.log",
    benchmark:
        f"{BENCHMARKS}/score_references/{PATH_OF_ALL_MODELS}.tsv"
    wildcard_constraints:
        cut=SCORED_CUT,
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.references, size_so_far),
    params:
        code=code("score_references.py"),
        reported=config["experiment"]["report_on"],
        top_k=config["experiment"]["top_k"],
        log_mel=origin_of_log_mels,
        run=columns_of_run,
    script:
        "../workflow_scripts/score_references.py"


checkpoint choose_follow_up:
    input:
        metrics=collect(f"{EACH_RUN}/metrics.csv", run=first_runs_of_candidates),
    output:
        choice=f"{EXPERIMENT}/follow_up/choice.json",
        table=f"{EXPERIMENT}/follow_up/candidates.csv",
    log:
        f"{LOGS}/choose_follow_up.log",
    benchmark:
        f"{BENCHMARKS}/choose_follow_up.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.tables, size_so_far, runs_so_far),
    params:
        code=code("choose_follow_up.py"),
        networks=candidates(config),
    script:
        "../workflow_scripts/choose_follow_up.py"
