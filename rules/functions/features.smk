# Functions and paths of the features stage, separate because of Snakemake's linter.


def album_listing(wildcards):
    """Return the listing of an album that the scan found."""
    return f"{checkpoints.scan_corpus.get().output.albums}/{wildcards.album_id}.csv"


def seconds_of_album(wildcards):
    """Return the length of an album's recordings."""
    return size_so_far(wildcards).albums.get(wildcards.album_id, 0)


def longest_of_album(wildcards):
    """Return the most that one recording of an album may last."""
    return min(seconds_of_album(wildcards), size_so_far(wildcards).longest)
