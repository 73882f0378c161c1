# From caches and splits to the leaks between the subsets of a split.


rule find_near_duplicates:
    input:
        # The result depends on their audio, not on this list, which a scan may rewrite.
        tracks=ancient(usable_tracks),
        # The parameter log_mel makes this rerun when spectrograms may have changed.
        index=ancient(index_of_log_mels),
    output:
        pairs=NEAR_DUPLICATES,
        silent=f"{CORPUS}/audit/not_compared.csv",
    log:
        f"{CORPUS}/logs/find_near_duplicates.log",
    benchmark:
        f"{CORPUS}/benchmarks/find_near_duplicates.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.near_duplicates, size_so_far, config["log_mel"]),
    params:
        code=code("find_near_duplicates.py"),
        log_mel=origin_of_log_mels,
    script:
        "../workflow_scripts/find_near_duplicates.py"


rule audit_split:
    input:
        split=split_manifest,
        # For a list of folds, all of them: no track may be tested twice.
        folds=folds_of_list,
        # If these tracks change, the split is drawn again.
        usable=ancient(usable_tracks),
        # For checksums: if one changed, so did the caches in which near-duplicates are searched.
        tracks=ancient(scanned_tracks),
        near_duplicates=rules.find_near_duplicates.output.pairs,
    output:
        AUDIT,
    log:
        f"{CORPUS}/logs/audit_split/{PATH_OF_SPLIT}.log",
    benchmark:
        f"{CORPUS}/benchmarks/audit_split/{PATH_OF_SPLIT}.tsv"
    # Audits run first, so that problems of any split are reported before the first training.
    priority: 1
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.audit, size_so_far),
    params:
        code=code("audit_split.py"),
        definition=definition_of_split,
        accept=config["audit"]["accept"],
    script:
        "../workflow_scripts/audit_split.py"


rule collect_leakage:
    input:
        audits=collect(AUDIT.format(**OF_RUN), run=all_cuts),
        splits=collect(SPLIT.format(**OF_RUN), run=all_cuts),
        silent=rules.find_near_duplicates.output.silent,
    output:
        table=f"{EXPERIMENT}/audit/leakage.csv",
        summary=f"{EXPERIMENT}/audit/summary.txt",
    log:
        f"{LOGS}/collect_leakage.log",
    benchmark:
        f"{BENCHMARKS}/collect_leakage.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.audit, size_so_far),
    params:
        code=code("collect_leakage.py"),
    script:
        "../workflow_scripts/collect_leakage.py"
