# Using trained models: self-contained packages, and the artists of the recordings in a folder. Not part
# of `all`: `snakemake models` and `snakemake predict` make them.


include: "functions/prediction.smk"


rule package_model:
    input:
        weights=f"{RUN}/weights.safetensors",
        provenance=f"{RUN}/provenance.json",
        outcomes=outcomes_of_scored_run,
        predictions=predictions_with_unknown_artists,
        split=split_manifest,
        tracks=ancient(usable_tracks),
        filters=rules.write_mel_filters.output[0],
    output:
        model=f"{RUN}/model.safetensors",
        card=f"{RUN}/model_card.md",
    log:
        f"{LOGS}/package_model/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/package_model/{PATH}.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        **asks(needs.packaging, size_so_far),
    params:
        code=code("package_model.py"),
        run=columns_of_run,
        keeps_albums=lambda wildcards: SPLITS[wildcards.split].keeps_albums,
    script:
        "../workflow_scripts/package_model.py"


checkpoint list_files:
    output:
        # Recordings are not inputs, because Snakemake cannot handle every name. Lists of them are.
        lists=directory(f"{PREDICTED}/files"),
    log:
        f"{LOGS}/predict/list_files.log",
    benchmark:
        f"{BENCHMARKS}/predict/list_files.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        **asks(needs.packaging, size_so_far),
    params:
        code=code("list_files.py"),
        state=state_of_folder,
        files_per_job=config["predict"]["files_per_job"],
    script:
        "../workflow_scripts/list_files.py"


rule predict_files:
    input:
        files=f"{PREDICTED}/files/{{number}}.csv",
        models=named_models,
    output:
        answers=f"{PREDICTED}/answers/{{number}}.jsonl",
    log:
        f"{LOGS}/predict/predict_files/{{number}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/predict_files/{{number}}.tsv"
    wildcard_constraints:
        number="[0-9]+",
    conda:
        "../envs/predict.yaml"
    resources:
        **asks(
            needs.prediction,
            config["predict"]["files_per_job"],
            lambda wildcards: not RUNS_HERE or has_gpu(),
        ),
        gpu=uses_gpu,
        jobs_per_device=1,
    params:
        code=code("predict_files.py"),
    script:
        "../workflow_scripts/predict_files.py"


rule collect_answers:
    input:
        answers=answers_of_jobs,
    output:
        table=f"{PREDICTED}/answers.csv",
        best=f"{PREDICTED}/best.json",
    log:
        f"{LOGS}/predict/collect_answers.log",
    benchmark:
        f"{BENCHMARKS}/predict/collect_answers.tsv"
    conda:
        "../envs/predict.yaml"
    resources:
        **asks(needs.packaging, size_so_far),
    params:
        code=code("collect_answers.py"),
        top=config["predict"]["top"],
    script:
        "../workflow_scripts/collect_answers.py"
