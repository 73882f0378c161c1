# From caches and splits to what stands on two sides of a split, and should not.


rule find_near_duplicates:
    input:
        # Their audio decides, not the list, which a scan may write anew.
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
    threads: 1
    resources:
        mem_mb=mem_mb(search_needs),
        runtime=runtime(search_needs),
        disk_mb=disk_mb(search_needs),
    params:
        cache_folder=lambda wildcards, input: os.path.dirname(input.log_mel[0]),
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
        f"{LOGS}/audit_split/{{split}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/audit_split/{{split}}/seed{{seed}}.tsv"
    # What is wrong with any split is said before the first training.
    priority: 1
    conda:
        "../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb(audit_needs),
        runtime=runtime(audit_needs),
        disk_mb=disk_mb(audit_needs),
    params:
        accept=config["audit"]["accept"],
    script:
        "../workflow_scripts/audit_split.py"


rule collect_leakage:
    input:
        audits=files_of_splits(AUDIT),
        splits=files_of_splits(rules.draw_split.output[0]),
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
    threads: 1
    resources:
        mem_mb=mem_mb(audit_needs),
        runtime=runtime(audit_needs),
        disk_mb=disk_mb(audit_needs),
    script:
        "../workflow_scripts/collect_leakage.py"
