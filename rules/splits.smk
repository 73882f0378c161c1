# From usable.csv to train, validation and test, drawn for each seed.


include: "functions/splits.smk"


rule draw_split:
    input:
        tracks=ancient(usable_tracks),
        # Must exist; rerunning the check recomputes nothing.
        check=ancient(CORPUS_CHECK),
        near_duplicates=copies_to_part,
        sources=sources("draw_split.py"),
    output:
        SPLIT,
    log:
        f"{LOGS}/draw_split/{PATH_OF_SPLIT}.log",
    benchmark:
        f"{BENCHMARKS}/draw_split/{PATH_OF_SPLIT}.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.split, size_so_far),
    params:
        tracks=digest_of_usable_tracks,
        fractions=lambda wildcards: (
            config["song_split"] if wildcards.split == "song" else {}
        ),
        accept=accepted_copies,
    script:
        "../workflow_scripts/draw_split.py"
