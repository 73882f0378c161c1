# From usable.csv to train, validation and test, drawn anew for each seed.


rule draw_split:
    input:
        tracks=ancient(usable_tracks),
        # Has to stand; a check that is made again computes nothing anew.
        check=ancient(CORPUS_CHECK),
        near_duplicates=copies_to_part,
        sources=sources("draw_split.py"),
    output:
        f"{RESULTS}/splits/{{split}}/seed{{seed}}.csv",
    log:
        f"{LOGS}/draw_split/{{split}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/draw_split/{{split}}/seed{{seed}}.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(split_needs),
        runtime=runtime(split_needs),
        disk_mb=disk_mb(split_needs),
    params:
        tracks=digest_of_usable_tracks,
        fractions=lambda wildcards: (
            config["song_split"] if wildcards.split == "song" else {}
        ),
        accept=accepted_copies,
    script:
        "../workflow_scripts/draw_split.py"
