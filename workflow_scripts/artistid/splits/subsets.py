"""What every split has: its subsets, the columns of its manifest, and the units that it draws."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SUBSETS = (TRAIN, VALIDATION, TEST)
COLUMNS = ("track_id", "album_id", "artist", "album", "path", "subset")  # of a manifest

TRACK, ALBUM = "track", "album"
# What a split keeps together as one: the column that tells its units apart, and their name.
UNIT_COLUMNS = {TRACK: "track_id", ALBUM: "album_id"}
UNITS = {TRACK: "usable tracks", ALBUM: "albums"}
