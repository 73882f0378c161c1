"""How much easier artists are to recognise on known albums: a check of a corpus, in seconds.

    python benchmarks/corpora/album_effect.py FOLDER

FOLDER holds ARTIST/ALBUM/TRACK.mp3. Logistic regression takes the means and standard deviations of
a track's MFCCs. In turn, one track of each album is held out, then one album of each artist. A
good model recognises more artists than this one.
"""

import argparse
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from artistid.corpus.audio import mono_blocks
from artistid.features.log_mel import LogMelParameters, log_mel, mel_filters
from artistid.features.mfcc import mfcc

PARAMETERS = LogMelParameters()


def statistics(path: Path) -> NDArray[np.float64]:
    """Return the means, then the standard deviations, of a recording's MFCCs."""
    blocks = mono_blocks(path, PARAMETERS.sampling_rate)
    coefficients = mfcc(log_mel(blocks, mel_filters(PARAMETERS), PARAMETERS))
    return np.concatenate([coefficients.mean(axis=0), coefficients.std(axis=0)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    paths = sorted(parser.parse_args().folder.glob("*/*/*.mp3"))
    with ProcessPoolExecutor() as pool:
        features = np.stack(list(pool.map(statistics, paths, chunksize=8)))
    artists = [path.parts[-3] for path in paths]
    albums = ["/".join(path.parts[-3:-1]) for path in paths]
    n_tracks = min(Counter(albums).values())
    n_albums = min(Counter(album.partition("/")[0] for album in set(albums)).values())
    folds = {
        "track": StratifiedKFold(n_tracks, shuffle=True, random_state=0).split(features, albums),
        "album": StratifiedGroupKFold(n_albums, shuffle=True, random_state=0).split(
            features, artists, albums
        ),
    }
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    for held_out, cuts in folds.items():
        accuracy = cross_val_score(model, features, artists, cv=list(cuts)).mean()
        print(f"accuracy with one {held_out} held out: {accuracy:.2f}")
    print(f"chance: {1 / len(set(artists)):.2f}")


if __name__ == "__main__":
    main()
