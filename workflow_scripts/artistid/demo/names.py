"""What the demo corpus' artists, albums and files are called."""

_ARTISTS = (
    "Amber Foxes, Björk's Barometer, Copper Kites, Delta & Sons, Echo Harbour, Frost Lantern, "
    "Glass Orchard, Hollow Pines, Iron Meridian, Jade Parade, Kingfisher Line, Low Tide Club, "
    "Moth Cathedral, Night Bakery, Opal Transit, Paper Satellites, Quiet Engines, Rust & Honey, "
    "Silver Almanac, Tin Observatory"
).split(", ")


def artist_name(artist: int) -> str:
    """Return the name of artist number `artist`, from 0."""
    return _ARTISTS[artist] if artist < len(_ARTISTS) else f"Artist {artist + 1}"


def album_name(album: int) -> str:
    """Return the name of an artist's album number `album`, from 0."""
    return f"Album {album + 1}"


def track_name(track: int) -> str:
    """Return the file name of an album's track number `track`, from 0."""
    return f"{track + 1:02d}.mp3"
