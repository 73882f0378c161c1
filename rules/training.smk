# From caches and splits to predictions: one job per (model, split, slice, seed).


rule train_network:
    input:
        split=split_manifest,
        # Has to stand; an audit that is made again retrains nothing.
        audit=ancient(AUDIT),
        log_mel=log_mel_files,
        sources=network_sources,
    output:
        weights=f"{RUN}/weights.safetensors",
        predictions=f"{RUN}/predictions.h5",
        embedding=f"{RUN}/embedding.h5",
        history=f"{RUN}/history.csv",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/train_network/{AXES}.log",
    benchmark:
        f"{BENCHMARKS}/train/{AXES}.tsv"
    wildcard_constraints:
        model="|".join(available(NETWORKS)),
    # Before short jobs that are ready too: no GPU idles while cores are busy with them.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: training_threads
    resources:
        gpu=1,
        # Trainings that may share a GPU (docs/gpus.md).
        jobs_per_device=1,
        mem_mb=mem_mb(training_needs),
        runtime=runtime_of_each_attempt(training_needs),
        disk_mb=disk_mb(training_needs),
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
        log_mel=config["log_mel"],
        settings=model_settings,
        training=config["training"],
        # Outside the outputs, which are deleted before a job runs again.
        state=f"{RESULTS}/training_state/{AXES}.pt",
    script:
        "../workflow_scripts/train_network.py"


rule train_frame_system:
    input:
        split=split_manifest,
        # Has to stand; an audit that is made again retrains nothing.
        audit=ancient(AUDIT),
        log_mel=log_mel_files,
        sources=lambda wildcards: sources(
            "train_frame_system.py", f"artistid/frame_systems/{wildcards.model}.py"
        ),
    output:
        predictions=f"{RUN}/predictions.h5",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/train_frame_system/{AXES}.log",
    benchmark:
        f"{BENCHMARKS}/train/{AXES}.tsv"
    wildcard_constraints:
        model="|".join(available(FRAME_SYSTEMS)),
    conda:
        "../envs/classical.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(frame_system_needs),
        runtime=runtime(frame_system_needs),
        disk_mb=disk_mb(frame_system_needs),
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
        settings=model_settings,
    script:
        "../workflow_scripts/train_frame_system.py"


rule train_song_system:
    input:
        split=split_manifest,
        # Has to stand; an audit that is made again retrains nothing.
        audit=ancient(AUDIT),
        log_mel=log_mel_files,
        sources=lambda wildcards: sources(
            "train_song_system.py", f"artistid/song_systems/{wildcards.model}.py"
        ),
    output:
        predictions=f"{RUN}/predictions.h5",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/train_song_system/{AXES}.log",
    benchmark:
        f"{BENCHMARKS}/train/{AXES}.tsv"
    wildcard_constraints:
        model="|".join(available(SONG_SYSTEMS)),
    conda:
        "../envs/classical.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(song_system_needs),
        runtime=runtime(song_system_needs),
        disk_mb=disk_mb(song_system_needs),
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
        settings=model_settings,
    script:
        "../workflow_scripts/train_song_system.py"
