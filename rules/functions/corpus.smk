# Functions and paths of the corpus stage, separate because of Snakemake's linter.

from artistid.corpus.feasibility import feasibility_keys
from artistid.corpus.folder import folder_state
from artistid.demo.names import album_name, artist_name, track_name

# Recordings that the scan decodes at once.
SCAN_THREADS = 4


def demo_tracks(artist, album):
    """Return the mp3 files of one of the demo's albums."""
    tracks = range(config["demo"]["tracks"])
    return [f"{AUDIO_DIR}/{artist}/{album}/{track_name(track)}" for track in tracks]


def demo_number(name, names_up_to, name_of):
    """Return the number of the demo's artist or album that is called `name`."""
    return next(number for number in range(names_up_to) if name_of(number) == name)


def demo_audio(wildcards):
    """Return every mp3 file of the demo corpus; nothing for another corpus."""
    if not IS_DEMO:
        return []
    artists, albums = config["demo"]["artists"], config["demo"]["albums"]
    return [
        path
        for artist in range(artists)
        for album in range(albums)
        for path in demo_tracks(artist_name(artist), album_name(album))
    ]


@cache
def music_folder():
    """Return what the folder of recordings held when the workflow started."""
    try:
        return folder_state(AUDIO_DIR)
    except InputError as error:
        raise WorkflowError(str(error))


# A folder that cannot be read stops the workflow here, in a line; a cluster's jobs need not look.
if not IS_DEMO and workflow.is_main_process:
    music_folder()


def audio_fingerprint(wildcards):
    """Return what tells that a folder changed; the demo's files are inputs and need none."""
    return None if IS_DEMO else music_folder().fingerprint


def n_recordings(wildcards):
    """Return the number of files that the scan will read."""
    if IS_DEMO:
        demo = config["demo"]
        return demo["artists"] * demo["albums"] * demo["tracks"]
    return music_folder().n_recordings


def n_bytes(wildcards):
    """Return the size of the files that the scan will read."""
    if IS_DEMO:
        return (
            n_recordings(wildcards) * config["demo"]["seconds"] * 4000
        )  # mp3 at 32 kbit/s
    return music_folder().n_bytes
