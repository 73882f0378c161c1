# A page to hear where a model is right and wrong. Not part of `all`: `snakemake listening` makes it.


include: "functions/listening.smk"


rule make_listening_page:
    input:
        predictions=predictions_to_hear,
        pairs=rules.find_near_duplicates.output.pairs,
        tracks=ancient(scanned_tracks),
    output:
        # Includes the excerpts, so that those of an earlier page are deleted with it.
        folder=directory(LISTENING),
    log:
        f"{LOGS}/listening/make_listening_page.log",
    benchmark:
        f"{BENCHMARKS}/listening/make_listening_page.tsv"
    conda:
        "../envs/audio.yaml"
    resources:
        **asks(
            needs.listening,
            size_so_far,
            config["log_mel"],
            runs_so_far,
            config["listening"]["excerpt_seconds"],
            HAS_FOLDS,
        ),
    params:
        code=code("make_listening_page.py"),
        look=digest_of_page_files,
        recordings=lambda wildcards: corpus_size(wildcards).digest,
        title=f"{config['corpus']['name']}, {config['experiment']['name']}",
        audio=config["listening"]["audio"],
        excerpt_seconds=config["listening"]["excerpt_seconds"],
        audio_dir=config["corpus"]["audio_dir"],
        reported=config["experiment"]["report_on"],
        seconds_per_frame=config["log_mel"]["hop_length"]
        / config["log_mel"]["sampling_rate"],
        left_out=song_systems_not_heard,
    script:
        "../workflow_scripts/make_listening_page.py"
