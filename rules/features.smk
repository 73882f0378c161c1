# From recordings to log-mel caches, one per album.


include: "functions/features.smk"


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
    resources:
        **asks(needs.mel_filters),
    params:
        log_mel=config["log_mel"],
    script:
        "../workflow_scripts/write_mel_filters.py"


rule extract_log_mel:
    input:
        # Recordings reach the job through the listing: Snakemake cannot take every name.
        listing=album_listing,
        # Must exist; rerunning the check recomputes nothing.
        check=ancient(CORPUS_CHECK),
        filters=rules.write_mel_filters.output[0],
        sources=sources("extract_log_mel.py"),
    output:
        LOG_MEL,
    log:
        f"{LOGS}/extract_log_mel/{{album_id}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_log_mel/{{album_id}}.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.extraction, seconds_of_album, longest_of_album, config["log_mel"]),
    params:
        log_mel=config["log_mel"],
    script:
        "../workflow_scripts/extract_log_mel.py"
