# From a folder of recordings to tracks.csv; for the demo, the recordings first.


include: "functions/corpus.smk"


if IS_DEMO:

    rule make_demo_album:
        output:
            tracks=demo_tracks("{artist}", "{album}"),
        log:
            f"{CORPUS}/logs/demo/{{artist}}/{{album}}.log",
        benchmark:
            f"{CORPUS}/benchmarks/make_demo_album/{{artist}}/{{album}}.tsv"
        conda:
            "../envs/audio.yaml"
        resources:
            **asks(
                needs.demo_album, config["demo"]["tracks"], config["demo"]["seconds"]
            ),
        params:
            code=code("make_demo_album.py"),
            artist=lambda wildcards: demo_number(
                wildcards.artist, config["demo"]["artists"], artist_name
            ),
            album=lambda wildcards: demo_number(
                wildcards.album, config["demo"]["albums"], album_name
            ),
            seconds=config["demo"]["seconds"],
            seed=config["demo"]["seed"],
        script:
            "../workflow_scripts/make_demo_album.py"


# Empty for the default, so that scans of older versions, which lack this parameter, do not rerun.
WAY_OF_NAMING = without_defaults(
    {"names": config["corpus"]["names"]}, SCHEMA["properties"]["corpus"]
)


checkpoint scan_corpus:
    input:
        audio=demo_audio,
    output:
        tracks=f"{CORPUS}/corpus/tracks.csv",
        usable=f"{CORPUS}/corpus/usable.csv",
        summary=f"{CORPUS}/corpus/summary.txt",
        albums=directory(f"{CORPUS}/corpus/albums"),
    log:
        f"{CORPUS}/logs/scan_corpus.log",
    benchmark:
        f"{CORPUS}/benchmarks/scan_corpus.tsv"
    conda:
        "../envs/audio.yaml"
    threads: SCAN_THREADS
    resources:
        **asks(needs.scan, n_recordings, n_bytes, SCAN_THREADS),
    params:
        **WAY_OF_NAMING,
        code=code("scan_corpus.py"),
        fingerprint=audio_fingerprint,
        expect=config["corpus"]["expect"],
        max_bad_share=config["corpus"]["max_bad_share"],
        exclude=config["corpus"]["exclude"],
        min_albums=config["corpus"]["min_albums"],
        min_tracks=config["corpus"]["min_tracks"],
    script:
        "../workflow_scripts/scan_corpus.py"


# Trainings depend on it, so that nothing is trained on a corpus too small for the experiment.
rule check_corpus:
    input:
        tracks=scanned_tracks,
    output:
        CHECK,
    log:
        f"{LOGS}/check_corpus.log",
    benchmark:
        f"{BENCHMARKS}/check_corpus.tsv"
    priority: 1
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.split, size_so_far),
    params:
        code=code("check_corpus.py"),
        config=feasibility_keys(config),
    script:
        "../workflow_scripts/check_corpus.py"
