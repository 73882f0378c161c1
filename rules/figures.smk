# From scores, histories, embeddings and timings to figures.


include: "functions/figures.smk"


rule plot_log_mels:
    input:
        tracks=ancient(usable_tracks),
        index=ancient(index_of_log_mels),
    output:
        report(
            f"{CORPUS}/figures/log_mels.svg",
            caption="../report/log_mels.rst",
            category="Spectrograms",
            labels={"figure": "log-mel spectrograms"},
        ),
    log:
        f"{CORPUS}/logs/plot_log_mels.log",
    benchmark:
        f"{CORPUS}/benchmarks/plot_log_mels.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_log_mels.py"),
        tracks=digest_of_usable_tracks,
        log_mel=LOG_MEL_PARAMETERS,
        origin=origin_of_log_mels,
    script:
        "../workflow_scripts/plot_log_mels.py"


rule plot_learning_curves:
    input:
        histories=collect(
            f"{EACH_RUN}/history.csv",
            run=runs_like("model", "slice", runs=trained_runs),
        ),
    output:
        report(
            f"{FIGURES}/learning_curves/{{model}}/{{slice}}.svg",
            caption="../report/learning_curves.rst",
            category="Learning curves",
            labels={"model": "{model}", "slice": "{slice}"},
        ),
    log:
        f"{LOGS}/plot_learning_curves/{{model}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_learning_curves/{{model}}/{{slice}}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_learning_curves.py"),
    script:
        "../workflow_scripts/plot_learning_curves.py"


rule plot_confusion:
    input:
        outcomes=collect(
            f"{EACH_RUN}/outcomes.h5", run=runs_like("model", "split", "slice")
        ),
    output:
        slice=report(
            f"{FIGURES}/confusion/{{model}}/{{split}}/{{slice}}/slices.svg",
            caption="../report/confusion.rst",
            category="Confusion matrices",
            labels={
                "model": "{model}",
                "split": "{split}",
                "slice": "{slice}",
                "level": "slice",
            },
        ),
        song=report(
            f"{FIGURES}/confusion/{{model}}/{{split}}/{{slice}}/songs.svg",
            caption="../report/confusion.rst",
            category="Confusion matrices",
            labels={
                "model": "{model}",
                "split": "{split}",
                "slice": "{slice}",
                "level": "song",
            },
        ),
    log:
        f"{LOGS}/plot_confusion/{{model}}/{{split}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_confusion/{{model}}/{{split}}/{{slice}}.tsv"
    wildcard_constraints:
        slice="[0-9.]+s",
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_confusion.py"),
    script:
        "../workflow_scripts/plot_confusion.py"


# A system on whole songs has no slices to confuse.
use rule plot_confusion as plot_confusion_of_songs with:
    output:
        song=report(
            f"{FIGURES}/confusion/{{model}}/{{split}}/{{slice}}/songs.svg",
            caption="../report/confusion.rst",
            category="Confusion matrices",
            labels={
                "model": "{model}",
                "split": "{split}",
                "slice": "{slice}",
                "level": "song",
            },
        ),
    log:
        f"{LOGS}/plot_confusion_of_songs/{{model}}/{{split}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_confusion_of_songs/{{model}}/{{split}}/{{slice}}.tsv"
    wildcard_constraints:
        slice="whole",


rule plot_f1_by_slice:
    input:
        intervals=rules.compare_runs.output.intervals,
        metrics=rules.aggregate_runs.output.metrics,
    output:
        report(
            f"{FIGURES}/f1_by_slice/{{level}}.svg",
            caption="../report/f1_by_slice.rst",
            category="Scores",
            labels={"figure": "F1 by slice length", "level": "{level}"},
        ),
    log:
        f"{LOGS}/plot_f1_by_slice/{{level}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_f1_by_slice/{{level}}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_f1_by_slice.py"),
        models=config["experiment"]["models"],
        reported=config["experiment"]["report_on"],
    script:
        "../workflow_scripts/plot_f1_by_slice.py"


rule plot_album_effect:
    input:
        effects=rules.compare_runs.output.effects,
    output:
        report(
            f"{FIGURES}/album_effect/{{level}}.svg",
            caption="../report/album_effect.rst",
            category="Scores",
            labels={"figure": "album effect", "level": "{level}"},
        ),
    log:
        f"{LOGS}/plot_album_effect/{{level}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_album_effect/{{level}}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_album_effect.py"),
        models=config["experiment"]["models"],
    script:
        "../workflow_scripts/plot_album_effect.py"


rule plot_reliability:
    input:
        predictions=collect(f"{EACH_RUN}/predictions.h5", run=predicted_runs),
    output:
        report(
            f"{FIGURES}/reliability.svg",
            caption="../report/reliability.rst",
            category="Scores",
            labels={"figure": "reliability of probabilities"},
        ),
    log:
        f"{LOGS}/plot_reliability.log",
    benchmark:
        f"{BENCHMARKS}/plot_reliability.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(
            needs.calibration,
            size_so_far,
            runs_so_far,
            config["log_mel"],
            HAS_FOLDS,
        ),
    params:
        code=code("plot_reliability.py"),
        reported=config["experiment"]["report_on"],
    script:
        "../workflow_scripts/plot_reliability.py"


rule plot_embedding_map:
    input:
        embedding=f"{RUN}/embedding.h5",
        split=split_manifest,
    output:
        report(
            f"{FIGURES}/embedding_map/{PATH}.svg",
            caption="../report/embedding_map.rst",
            category="Embedding maps",
            labels={"model": "{model}", "split": "{split}", "slice": "{slice}"},
        ),
    log:
        f"{LOGS}/plot_embedding_map/{PATH}.log",
    benchmark:
        f"{BENCHMARKS}/plot_embedding_map/{PATH}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_embedding_map.py"),
    script:
        "../workflow_scripts/plot_embedding_map.py"


rule plot_resources:
    input:
        timing=collect(f"{EACH_RUN}/timing.csv", run=predicted_runs),
    output:
        report(
            f"{FIGURES}/resources.svg",
            caption="../report/resources.rst",
            category="Resources",
            labels={"figure": "time and memory of training"},
        ),
    log:
        f"{LOGS}/plot_resources.log",
    benchmark:
        f"{BENCHMARKS}/plot_resources.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        **asks(needs.figure),
    params:
        code=code("plot_resources.py"),
    script:
        "../workflow_scripts/plot_resources.py"
