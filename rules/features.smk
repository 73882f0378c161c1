# From recordings to log-mel caches, one per album.


include: "functions/features.smk"


rule write_mel_filters:
    output:
        f"{CORPUS}/log_mel/mel_filters.npy",
    log:
        f"{CORPUS}/logs/write_mel_filters.log",
    benchmark:
        f"{CORPUS}/benchmarks/write_mel_filters.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.mel_filters),
    params:
        code=code("write_mel_filters.py"),
        log_mel=LOG_MEL_PARAMETERS,
    script:
        "../workflow_scripts/write_mel_filters.py"


rule extract_log_mel:
    input:
        # The listing names the recordings, because Snakemake cannot handle every name as an input.
        listing=album_listing,
        filters=rules.write_mel_filters.output[0],
    output:
        LOG_MEL,
    log:
        f"{CORPUS}/logs/extract_log_mel/{{album_id}}.log",
    benchmark:
        f"{CORPUS}/benchmarks/extract_log_mel/{{album_id}}.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.extraction, seconds_of_album, longest_of_album, config["log_mel"]),
    params:
        code=code("extract_log_mel.py"),
        log_mel=LOG_MEL_PARAMETERS,
    script:
        "../workflow_scripts/extract_log_mel.py"


rule index_log_mel:
    input:
        log_mel=log_mel_files,
    output:
        LOG_MEL_INDEX,
    log:
        f"{CORPUS}/logs/index_log_mel.log",
    benchmark:
        f"{CORPUS}/benchmarks/index_log_mel.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.references, size_so_far),
    params:
        code=code("index_log_mel.py"),
    script:
        "../workflow_scripts/index_log_mel.py"
