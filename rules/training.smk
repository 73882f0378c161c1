# From caches and splits to predictions: one job per (model, split, slice, seed).


include: "functions/training.smk"


rule train_network:
    input:
        split=split_manifest,
        # Must exist; rerunning the audit does not trigger retraining.
        audit=ancient(AUDIT),
        # A missing cache stops the job; one that is extracted again retrains nothing.
        index=ancient(index_of_log_mels),
        # Must exist; rerunning the check does not trigger retraining.
        check=ancient(CHECK),
    output:
        weights=f"{RUN}/weights.safetensors",
        predictions=f"{RUN}/predictions.h5",
        embedding=f"{RUN}/embedding.h5",
        history=f"{RUN}/history.csv",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/train_network/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/train/{PATH}.tsv"
    wildcard_constraints:
        model=one_of(networks(config)),
    # Before short jobs that are ready too: no GPU idles while cores are busy with them.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: training_threads
    resources:
        **asks(
            needs.training,
            size_so_far,
            architecture,
            settings,
            training,
            frames_of_run,
            config["log_mel"],
            config["training_data"]["memory_mb"],
            lambda wildcards: not RUNS_HERE or has_gpu(),
            same_runtime=True,
        ),
        gpu=1,
        # Trainings that may share a GPU (docs/gpus.md).
        jobs_per_device=1,
    params:
        code=code_of_model("train_network.py", NETWORKS),
        run=columns_of_run,
        model=parameters_of_model,
        log_mel=LOG_MEL_PARAMETERS,
        origin=origin_of_log_mels,
        # Outside the outputs, which are deleted before a job runs again.
        state=f"{EXPERIMENT}/training_state/{PATH}.pt",
    script:
        "../workflow_scripts/train_network.py"


# Classical systems on MFCC frames, and on whole songs.
for kind, system_needs in {
    FRAME_SYSTEMS: asks(
        needs.frame_system,
        size_so_far,
        architecture,
        settings,
        frames_of_run,
        config["log_mel"],
    ),
    SONG_SYSTEMS: asks(needs.song_system, size_so_far, config["log_mel"]),
}.items():
    train = f"train_{kind.removesuffix('s')}"

    rule:
        name:
            train
        input:
            split=split_manifest,
            # Must exist; rerunning the audit does not trigger retraining.
            audit=ancient(AUDIT),
            # A missing cache stops the job; one that is extracted again retrains nothing.
            index=ancient(index_of_log_mels),
            # Must exist; rerunning the check does not trigger retraining.
            check=ancient(CHECK),
        output:
            weights=f"{RUN}/weights.safetensors",
            predictions=f"{RUN}/predictions.h5",
            provenance=f"{RUN}/provenance.json",
            timing=f"{RUN}/timing.csv",
        log:
            f"{LOGS}/{train}/{PATH}.log",
        benchmark:
            f"{BENCHMARKS}/train/{PATH}.tsv"
        wildcard_constraints:
            model=one_of(models_of_kind(config, kind)),
        conda:
            "../envs/classical.yaml"
        resources:
            **system_needs,
        params:
            code=code_of_model(f"{train}.py", kind),
            run=columns_of_run,
            model=parameters_of_model,
            log_mel=LOG_MEL_PARAMETERS,
            origin=origin_of_log_mels,
            script=train,  # what follows `script:` is read when the job runs, after the loop
        script:
            "../workflow_scripts/{params.script}.py"
