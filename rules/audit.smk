# From caches and splits to what leaks between the subsets of a split.


rule find_near_duplicates:
    input:
        # Their audio decides, not the list, which a scan may rewrite.
        tracks=ancient(usable_tracks),
        log_mel=log_mel_files,
        sources=sources("find_near_duplicates.py"),
    output:
        pairs=NEAR_DUPLICATES,
        silent=f"{RESULTS}/audit/not_compared.csv",
    log:
        f"{LOGS}/find_near_duplicates.log",
    benchmark:
        f"{BENCHMARKS}/find_near_duplicates.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.near_duplicates, size_so_far, config["log_mel"]),
    script:
        "../workflow_scripts/find_near_duplicates.py"


rule audit_split:
    input:
        split=split_manifest,
        # Where these tracks change, the split is drawn again.
        usable=ancient(usable_tracks),
        # For checksums: where one changed, so did the near-duplicates' caches.
        tracks=ancient(scanned_tracks),
        near_duplicates=rules.find_near_duplicates.output.pairs,
        sources=sources("audit_split.py"),
    output:
        AUDIT,
    log:
        f"{LOGS}/audit_split/{PATH_OF_SPLIT}.log",
    benchmark:
        f"{BENCHMARKS}/audit_split/{PATH_OF_SPLIT}.tsv"
    # What is wrong with any split is said before the first training.
    priority: 1
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.audit, size_so_far),
    params:
        accept=config["audit"]["accept"],
    script:
        "../workflow_scripts/audit_split.py"


rule collect_leakage:
    input:
        audits=collect(AUDIT.format(**OF_RUN), run=all_splits),
        splits=collect(SPLIT.format(**OF_RUN), run=all_splits),
        silent=rules.find_near_duplicates.output.silent,
        sources=sources("collect_leakage.py"),
    output:
        table=f"{RESULTS}/audit/leakage.csv",
        summary=f"{RESULTS}/audit/summary.txt",
    log:
        f"{LOGS}/collect_leakage.log",
    benchmark:
        f"{BENCHMARKS}/collect_leakage.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.audit, size_so_far),
    script:
        "../workflow_scripts/collect_leakage.py"
