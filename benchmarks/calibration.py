"""Compare ways to fit the temperature of songs, on the test songs of a finished experiment.

    python benchmarks/calibration.py results/demo/experiments/paper

Each temperature is fitted on the validation set of a run: on its songs alone, on its songs with a
prior of some standard deviation, or on its slices. A cell is a model on a split. The expected
calibration error is of all songs of a cell's runs together; the cross-entropy is the mean over its
runs.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from artistid.models.classical.calibration import fit_temperature
from artistid.scoring.calibration import Songs, fit_song_temperature, reliability, songs_of
from artistid.scoring.predictions import Predictions, read_predictions
from artistid.splits.subsets import TEST, VALIDATION

SAME = 5e-4  # smaller changes of an error do not count
WAYS: dict[str, Callable[[Predictions], float]] = {
    "none": lambda validation: 1.0,
    "songs, no prior": lambda validation: fit_song_temperature(songs_of(validation), np.inf),
    **{
        f"songs, prior of {deviation:g}": lambda validation, deviation=deviation: (
            fit_song_temperature(songs_of(validation), deviation)
        )
        for deviation in (2.0, 1.0, 0.7, 0.5, 0.35, 0.25)
    },
    "slices": lambda validation: fit_temperature(validation.log_probability, validation.target),
}
Run = tuple[Songs, Mapping[str, float]]


def errors(runs: list[Run], way: str) -> tuple[float, float]:
    """Return a cell's expected calibration error and its mean cross-entropy, nats."""
    confidence = [songs.confidence(temperatures[way]) for songs, temperatures in runs]
    is_right = [songs.is_right for songs, _ in runs]
    found = reliability(np.concatenate(confidence), np.concatenate(is_right))
    losses = [songs.cross_entropy(temperatures[way]) for songs, temperatures in runs]
    return found.expected_error, float(np.mean(losses))


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}" + "s" * (number != 1)


def main() -> None:
    """Fit in each way, and print how the errors change compared with no temperature."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path, help="folder of the experiment's results")
    cells: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for path in sorted(parser.parse_args().experiment.glob("runs/*/*/*/*/*/predictions.h5")):
        run, _, subsets = read_predictions(path, [VALIDATION, TEST])
        temperatures = {way: fit(subsets[VALIDATION]) for way, fit in WAYS.items()}
        cells[run.model, run.split, run.slice].append((songs_of(subsets[TEST]), temperatures))
    n_runs = sum(map(len, cells.values()))
    print(
        f"{counted(len(cells), 'cell')} of {counted(n_runs, 'run')}; better and worse than without "
        f"a temperature by {SAME}"
    )
    print(f"{'temperature':20}  {'ECE: better worse  change':26} NLL: better worse  change")
    found = {way: np.array([errors(runs, way) for runs in cells.values()]) for way in WAYS}
    for way, values in found.items():
        change = values - found["none"]
        better, worse = (change < -SAME).sum(axis=0), (change > SAME).sum(axis=0)
        told = [f"{better[k]:11} {worse[k]:5} {change[:, k].mean():+8.4f}" for k in (0, 1)]
        print(f"{way:20}  {' '.join(told)}")


if __name__ == "__main__":
    main()
