# From caches and splits to predictions: one job per (model, split, slice, seed).


include: "functions/training.smk"


rule train_network:
    input:
        split=split_manifest,
        # Must exist; rerunning the audit does not trigger retraining.
        audit=ancient(AUDIT),
        log_mel=log_mel_files,
        sources=sources_of_model("train_network.py", NETWORKS),
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
        model="|".join(available(NETWORKS)),
    # Before short jobs that are ready too: no GPU idles while cores are busy with them.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: training_threads
    resources:
        **asks(
            needs.training,
            size_so_far,
            lambda wildcards: wildcards.model,
            settings_of_model,
            config["training"],
            frames_of_run,
            config["log_mel"],
            lambda wildcards: not RUNS_HERE or has_gpu(),
            same_runtime=True,
        ),
        gpu=1,
        # Trainings that may share a GPU (docs/gpus.md).
        jobs_per_device=1,
    params:
        run=columns_of_run,
        log_mel=config["log_mel"],
        settings=lookup(within=config, dpath="models/{model}", default={}),
        training=config["training"],
        # Outside the outputs, which are deleted before a job runs again.
        state=f"{RESULTS}/training_state/{PATH}.pt",
    script:
        "../workflow_scripts/train_network.py"


# Classical systems on MFCC frames, and on whole songs.
for kind, system_needs in {
    FRAME_SYSTEMS: asks(
        needs.frame_system,
        size_so_far,
        lambda wildcards: wildcards.model,
        settings_of_model,
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
            log_mel=log_mel_files,
            sources=sources_of_model(f"{train}.py", kind),
        output:
            predictions=f"{RUN}/predictions.h5",
            provenance=f"{RUN}/provenance.json",
            timing=f"{RUN}/timing.csv",
        log:
            f"{LOGS}/{train}/{PATH}.log",
        benchmark:
            f"{BENCHMARKS}/train/{PATH}.tsv"
        wildcard_constraints:
            model="|".join(available(kind)),
        conda:
            "../envs/classical.yaml"
        resources:
            **system_needs,
        params:
            run=columns_of_run,
            settings=lookup(within=config, dpath="models/{model}", default={}),
            script=train,  # what follows `script:` is read when the job runs, after the loop
        script:
            "../workflow_scripts/{params.script}.py"
