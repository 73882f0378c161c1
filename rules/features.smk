# From recordings to log-mel caches, one per album.


rule write_mel_filters:
    input:
        sources=sources("write_mel_filters.py"),
    output:
        f"{RESULTS}/log_mel/mel_filters.npy",
    log:
        f"{LOGS}/write_mel_filters.log",
    benchmark:
        f"{BENCHMARKS}/write_mel_filters.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(filter_needs),
        runtime=runtime(filter_needs),
        disk_mb=disk_mb(filter_needs),
    params:
        log_mel=config["log_mel"],
    script:
        "../workflow_scripts/write_mel_filters.py"


rule extract_log_mel:
    input:
        # Recordings reach the job through the listing: Snakemake cannot take every name.
        listing=album_listing,
        # Has to stand; a check that is made again computes nothing anew.
        check=ancient(CORPUS_CHECK),
        filters=rules.write_mel_filters.output[0],
        sources=sources("extract_log_mel.py"),
    output:
        f"{RESULTS}/log_mel/{{album_id}}.h5",
    log:
        f"{LOGS}/extract_log_mel/{{album_id}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_log_mel/{{album_id}}.tsv"
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(album_needs),
        runtime=runtime(album_needs),
        disk_mb=disk_mb(album_needs),
    params:
        log_mel=config["log_mel"],
    script:
        "../workflow_scripts/extract_log_mel.py"
