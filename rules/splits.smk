# From usable.csv to the manifest of each cut: drawn, or read from a user's list.


include: "functions/splits.smk"


rule draw_split:
    input:
        tracks=ancient(usable_tracks),
        near_duplicates=copies_to_part,
    output:
        SPLIT,
    log:
        f"{CORPUS}/logs/draw_split/{PATH_OF_SPLIT}.log",
    benchmark:
        f"{CORPUS}/benchmarks/draw_split/{PATH_OF_SPLIT}.tsv"
    wildcard_constraints:
        split=one_of(DRAWN),
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.split, size_so_far),
    params:
        code=code("draw_split.py"),
        tracks=digest_of_usable_tracks,
        definition=definition_of_split,
        accept=accepted_copies,
    script:
        "../workflow_scripts/draw_split.py"


rule read_list:
    input:
        lists=lists_of_user,
        tracks=ancient(usable_tracks),
        near_duplicates=copies_to_part,
    output:
        SPLIT,
    log:
        f"{CORPUS}/logs/read_list/{PATH_OF_SPLIT}.log",
    benchmark:
        f"{CORPUS}/benchmarks/read_list/{PATH_OF_SPLIT}.tsv"
    wildcard_constraints:
        split=one_of(LISTED),
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(needs.split, size_so_far),
    params:
        code=code("read_list.py"),
        tracks=digest_of_usable_tracks,
        definition=definition_of_split,
        accept=accepted_copies,
    script:
        "../workflow_scripts/read_list.py"
