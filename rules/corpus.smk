# From a folder of recordings to tracks.csv; for the demo, the recordings first.


include: "functions/corpus.smk"


if IS_DEMO:

    rule make_demo_album:
        input:
            sources=sources("make_demo_album.py"),
        output:
            tracks=demo_tracks("{artist}", "{album}"),
        log:
            f"{LOGS}/demo/{{artist}}/{{album}}.log",
        benchmark:
            f"{BENCHMARKS}/make_demo_album/{{artist}}/{{album}}.tsv"
        conda:
            "../envs/audio.yaml"
        resources:
            **asks(
                needs.demo_album, config["demo"]["tracks"], config["demo"]["seconds"]
            ),
        params:
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


checkpoint scan_corpus:
    input:
        audio=demo_audio,
        sources=sources("scan_corpus.py"),
    output:
        tracks=f"{RESULTS}/corpus/tracks.csv",
        usable=f"{RESULTS}/corpus/usable.csv",
        summary=f"{RESULTS}/corpus/summary.txt",
        albums=directory(f"{RESULTS}/corpus/albums"),
    log:
        f"{LOGS}/scan_corpus.log",
    benchmark:
        f"{BENCHMARKS}/scan_corpus.tsv"
    conda:
        "../envs/audio.yaml"
    threads: SCAN_THREADS
    resources:
        **asks(needs.scan, n_recordings, n_bytes, SCAN_THREADS),
    params:
        fingerprint=audio_fingerprint,
        expect=config["corpus"]["expect"],
        max_bad_share=config["corpus"]["max_bad_share"],
    script:
        "../workflow_scripts/scan_corpus.py"


# Extraction and splits wait for it: nothing is computed on a corpus that is too small.
rule check_corpus:
    input:
        tracks=scanned_tracks,
        sources=sources("check_corpus.py"),
    output:
        CORPUS_CHECK,
    log:
        f"{LOGS}/check_corpus.log",
    benchmark:
        f"{BENCHMARKS}/check_corpus.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.split, size_so_far),
    params:
        config=feasibility_keys(config),
    script:
        "../workflow_scripts/check_corpus.py"
