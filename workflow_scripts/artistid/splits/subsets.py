"""What every split has: its subsets, the columns of its manifest, and the units that it draws."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SUBSETS = (TRAIN, VALIDATION, TEST)
# The tracks of validation and of test whose artists are not trained on: no class is theirs, so they
# are predicted apart.
UNKNOWN = {VALIDATION: "unknown_validation", TEST: "unknown_test"}
COLUMNS = ("track_id", "album_id", "artist", "album", "path", "subset")  # of a manifest

TRACK, ALBUM = "track", "album"
# What a split keeps together as one: the column that tells its units apart, and their name.
UNIT_COLUMNS = {TRACK: "track_id", ALBUM: "album_id"}
UNITS = {TRACK: "usable tracks", ALBUM: "albums"}
