# From caches and splits to predictions: one job per (model, split, slice seconds, seed).


rule train_network:
    input:
        split=split_manifest,
        log_mel=log_mel_files,
        sources=network_sources,
    output:
        weights=f"{RUN}/weights.safetensors",
        predictions=f"{RUN}/predictions.h5",
        metrics=f"{RUN}/metrics.csv",
        artists=f"{RUN}/f1_by_artist.csv",
        history=f"{RUN}/history.csv",
        provenance=f"{RUN}/provenance.json",
        timing=f"{RUN}/timing.csv",
    log:
        f"{LOGS}/train_network/{{model}}/{{split}}/{{seconds}}s/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_network/{{model}}/{{split}}/{{seconds}}s/seed{{seed}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: training_threads
    resources:
        gpu=1,
        # Twice the caches while they are joined, and torch.
        mem_mb=lambda wildcards, input, attempt: int(3000 + 3 * input.size_mb) * attempt,
        runtime=lambda wildcards, attempt: 24 * 60 * attempt,
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
        log_mel=config["log_mel"],
        network=lambda wildcards: config["networks"].get(wildcards.model, {}),
        training=config["training"],
    script:
        "../workflow_scripts/train_network.py"


rule score_references:
    input:
        split=split_manifest,
        log_mel=log_mel_files,
        sources=sources("score_references.py"),
    output:
        metrics=f"{REFERENCE}/metrics.csv",
    log:
        f"{LOGS}/score_references/{{split}}/{{seconds}}s/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score_references/{{split}}/{{seconds}}s/seed{{seed}}.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        axes=run_axes,
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
    script:
        "../workflow_scripts/score_references.py"
