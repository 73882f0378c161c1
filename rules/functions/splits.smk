# Functions and paths of the splits stage: Snakemake's linter wants them apart from the rules.

from artistid.storage.files import sha256_of_file

NEAR_DUPLICATES = f"{RESULTS}/audit/near_duplicates.csv"


def digest_of_usable_tracks(wildcards):
    """Return what decides whether the usable tracks changed.

    Snakemake compares an input above a size by its time, and a scan rewrites the list: by this
    parameter the splits of a large corpus, too, are redrawn only when its tracks change.
    """
    return sha256_of_file(usable_tracks(wildcards))


def copies_to_part(wildcards):
    """Return the pairs that a split may not part, where copies are kept in one subset."""
    is_kept = config["audit"]["near_duplicates"] == "one_side"
    return [NEAR_DUPLICATES] if is_kept else []


def accepted_copies(wildcards):
    """Return the pairs that a split may part after all; no parameter where it parts any."""
    return config["audit"]["accept"] if copies_to_part(wildcards) else None
