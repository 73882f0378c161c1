# Functions and paths of the splits stage, separate because of Snakemake's linter.

from artistid.splits.lists import list_files
from artistid.storage.files import sha256_of_file

NEAR_DUPLICATES = f"{CORPUS}/audit/near_duplicates.csv"
DRAWN = [name for name, split in SPLITS.items() if split.draws]
LISTED = [name for name, split in SPLITS.items() if not split.draws]

# A missing list is named before any job, and not after the scan.
for name in LISTED if workflow.is_main_process else []:
    for path in [
        file
        for cut in SPLITS[name].parts("list")
        for file in list_files(SPLITS[name], cut)
    ]:
        if not Path(path).is_file():
            raise WorkflowError(
                f"{path}: does not exist, but splits.{name}.files names it; write the path of the list"
            )


def lists_of_user(wildcards):
    """Return the files of a user's list."""
    return list_files(SPLITS[wildcards.split], wildcards.cut)


def digest_of_usable_tracks(wildcards):
    """Return what decides whether the usable tracks changed.

    Snakemake compares an input above a size by its time, and a scan rewrites the list: by this
    parameter the splits of a large corpus, too, are redrawn only when its tracks change.
    """
    return sha256_of_file(usable_tracks(wildcards))


def copies_to_part(wildcards):
    """Return the pairs that a split may not separate, if copies are kept in one subset."""
    is_kept = config["audit"]["near_duplicates"] == "one_side"
    return [NEAR_DUPLICATES] if is_kept else []


def accepted_copies(wildcards):
    """Return the pairs that a split may separate after all; no parameter if it may separate any."""
    return config["audit"]["accept"] if copies_to_part(wildcards) else None


def folds_of_list(wildcards):
    """Return the manifests of all folds of a user's list; none for other splits."""
    split = SPLITS[wildcards.split]
    if split.draws or not split.n_folds:
        return []
    scanned_tracks(wildcards)
    cuts = split.parts(wildcards.cut.partition("-")[0])
    return [SPLIT.format(split=split.name, cut=cut) for cut in cuts]
