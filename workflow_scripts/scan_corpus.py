"""List and check the recordings; write tracks.csv, usable.csv, and a listing per album."""

import logging
from pathlib import Path

from artistid.corpus.exclusion import check_remaining, exclusion
from artistid.corpus.folder import audio_passed_over, list_recordings
from artistid.corpus.listings import EXCLUDED, OK, write_album_listings, write_tracks, write_usable
from artistid.corpus.scan import check_bad_share, scan
from artistid.corpus.summary import describe, describe_names
from artistid.corpus.tags import tagged
from artistid.jobs.logs import job_log
from artistid.storage.files import write_text


def scan_corpus(log) -> None:
    """Scan, report, stop if too much is bad, and write the listings."""
    # The folder is not a parameter: a corpus that moves is still the same corpus.
    audio_dir = Path(snakemake.config["corpus"]["audio_dir"])
    recordings, others = list_recordings(audio_dir)
    made = {
        Path(path).relative_to(audio_dir).as_posix() for path in snakemake.input.get("audio", [])
    }
    if made:  # the demo's folder may hold albums of an earlier, larger configuration
        recordings = [recording for recording in recordings if recording.path in made]
    params = snakemake.params
    if params.get("names") == "tags":
        recordings = tagged(audio_dir, recordings, snakemake.threads)
    tracks = scan(
        audio_dir,
        recordings,
        snakemake.threads,
        exclusion(params.get("exclude", {}), recordings),
        params.get("min_albums", 1),
        params.get("min_tracks", 1),
    )
    passed_over = audio_passed_over(audio_dir, others)
    summary = describe(tracks, others, params.expect, passed_over) + describe_names(recordings)
    bad = any(track["status"] not in (OK, EXCLUDED) for track in tracks)
    log.log(logging.WARNING if bad else logging.INFO, "%s", summary.rstrip())
    check_bad_share(tracks, params.max_bad_share)
    check_remaining(tracks)
    write_album_listings(Path(snakemake.output.albums), tracks)
    write_usable(Path(snakemake.output.usable), tracks)
    write_text(snakemake.output.summary, summary)
    write_tracks(Path(snakemake.output.tracks), tracks)


with job_log(snakemake.log[0], "scan") as log:
    scan_corpus(log)
