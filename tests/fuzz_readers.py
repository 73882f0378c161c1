"""Feed damaged recordings and configurations to what reads them.

    python tests/fuzz_readers.py --minutes 10 --seed 1

Every input is a real one, mutated by a generator that the seed and the input's number alone decide:
`--only 4711` makes one of them again. A reader may give a result or say in one line what is wrong.
Anything else is a failure: another exception, a crash, more than 20 s, more than 1.5 GB of memory,
numbers that are no numbers. The inputs that failed are kept.
"""

import argparse
import copy
import math
import multiprocessing
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from recordings import encode, put

from artistid.corpus.audio import mono_blocks
from artistid.corpus.folder import Recording
from artistid.corpus.listings import DUPLICATE, OK
from artistid.corpus.scan import scan
from artistid.corpus.summary import describe
from artistid.corpus.tags import tagged
from artistid.errors import InputError
from artistid.experiment import first_runs, follow_up_runs, has_several_lengths, networks
from artistid.features.log_mel import LogMelParameters, log_mel_blocks
from artistid.features.slices import frames_in_slice
from artistid.plan.config import (
    check_config,
    effective_config,
    read_schema,
    read_yaml,
    reductions,
    with_types,
)
from artistid.runs import seconds_of_slice

ROOT = Path(__file__).resolve().parent.parent
SECONDS, MEMORY = 20.0, 1_500_000_000
KINDS = {  # extension: libsndfile's format and subtype
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
    "wave": ("WAV", "FLOAT"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "aiff": ("AIFF", "PCM_24"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "ALAC_16"),
    "w64": ("W64", "PCM_16"),
}
FILTERS = np.full((128, 1025), 1e-3, np.float32)  # what they are does not matter here
Bytes = bytearray


# Recordings


def flip_bits(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    for _ in range(rng.choice([1, 3, 10, 100])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def edit_header(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    for _ in range(rng.choice([1, 1, 2, 5])):
        width = rng.choice([1, 2, 4, 8])
        place = rng.randrange(min(len(data), 160))
        value = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, rng.getrandbits(64)])
        word = (value % 256**width).to_bytes(width, rng.choice(["little", "big"]))
        data[place : place + width] = word
    return data


def cut(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    return data[: rng.randrange(len(data))]


def overwrite(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    size = rng.choice([16, 500, 5000])
    place = rng.randrange(len(data))
    data[place : place + size] = rng.choice([bytes(size), b"\xff" * size, rng.randbytes(size)])
    return data


def splice(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    other = rng.choice(others)
    start, place = rng.randrange(len(other)), rng.randrange(len(data))
    piece = other[start : start + rng.choice([50, 2000, 50_000])]
    data[place : place + rng.choice([0, len(piece)])] = piece
    return data


def drop(data: Bytes, rng: random.Random, others: list[bytes]) -> Bytes:
    place = rng.randrange(len(data))
    del data[place : place + rng.choice([1, 7, 500, 5000])]
    return data


MUTATIONS = (flip_bits, edit_header, cut, overwrite, splice, drop)


def whole_recordings() -> dict[str, bytes]:
    """Return two seconds of noise in every format, mono and stereo, and some with tags."""
    import soundfile

    generator = np.random.default_rng(1)
    recordings = {}
    with tempfile.TemporaryDirectory() as folder:
        for extension, (kind, subtype) in KINDS.items():
            for channels in (1, 2):
                samples = 0.1 * generator.standard_normal((32_000, channels))
                path = Path(folder) / f"{channels}.{extension}"
                soundfile.write(path, samples, 16000, format=kind, subtype=subtype)
                recordings[path.name] = path.read_bytes()
        for name in ("tagged.mp3", "tagged.flac", "tagged.ogg", "tagged.wav", "tagged.m4a"):
            path = put(Path(folder) / name, artist="A feat. B", album="C (Disc 1)", compilation="1")
            recordings[name] = path.read_bytes()
        for name, codec, kind in (
            ("1.m4a", "alac", "s16p"),
            ("2.m4a", "aac", "fltp"),
            ("1.aac", "aac", "fltp"),
        ):
            loud = 3000 * generator.standard_normal((32_000, 1))
            samples = loud.astype(np.int16) if codec == "alac" else (loud / 32768).astype("f4")
            path = encode(Path(folder) / name, samples, 16000, codec, kind, movflags="+faststart")
            recordings[name] = path.read_bytes()
    return recordings


def read_recording(rng: random.Random, recordings: dict[str, bytes], folder: Path) -> str:
    """Mutate a recording, scan it, and extract it if the scan would use it."""
    name = rng.choice(sorted(recordings))
    data = Bytes(recordings[name])
    for _ in range(rng.choice([1, 1, 2, 4])):
        if len(data):
            data = rng.choice(MUTATIONS)(data, rng, list(recordings.values()))
    path = folder / "artist" / "album" / f"x{Path(name).suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    recording = Recording(path.relative_to(folder).as_posix())
    for by_tags in tagged(folder, [recording], threads=1):
        assert by_tags.is_placed or by_tags.why_not_placed[1]
        assert "\n" not in by_tags.artist + by_tags.album, by_tags
    [track] = scan(folder, [recording], threads=1)
    describe([track], [], None, {})
    assert "\n" not in track["reason"] + track.get("remark", ""), track
    if track["status"] != OK:
        assert track["reason"], track
        assert track["status"] != DUPLICATE, track
        return f"recording refused: {track['status']}"
    assert 1 <= track["duration"] < 1e6, track
    samples = mono_blocks(path, 16000)
    for block in log_mel_blocks(samples, FILTERS, LogMelParameters()):
        assert np.isfinite(block).all(), "a spectrogram that is not finite"
    return "recording used"


# Configurations


def odd_value(rng: random.Random, depth: int = 0) -> Any:
    """Return what a person might write in YAML by mistake, or a machine on purpose."""
    plain = [None, True, False, 0, 1, -1, 3, 10**30, 0.5, 1.0, 2.5, 1e-9, 1e300, math.nan, math.inf]
    texts = [
        "",
        "null",
        "true",
        "1e-4",
        "1_000",
        " 3",
        "song",
        "best",
        "demo",
        "../x",
        "a\nb",
        "é\0",
    ]
    if depth < 2 and rng.random() < 0.3:
        values = [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        keys = [rng.choice(["train", "1", 1, 2.5, None, "crnn", "x y"]) for _ in values]
        return rng.choice([values, dict(zip(keys, values, strict=True))])
    return rng.choice(plain + texts)


def paths_in(tree: Any, prefix: tuple = ()) -> list[tuple]:
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        found.append((*prefix, key))
        if isinstance(value, dict | list):
            found += paths_in(value, (*prefix, key))
    return found


def mutate_tree(tree: dict, rng: random.Random) -> None:
    if not tree:
        return
    path = rng.choice(paths_in(tree))
    node: Any = tree
    for key in path[:-1]:
        node = node[key]
    action = rng.randrange(5)
    if action == 0:
        del node[path[-1]]
    elif action == 1 and isinstance(node, dict):
        node[rng.choice(["x", 1, None, 2.5, "train"])] = odd_value(rng)
    elif action == 2 and isinstance(node, list):
        node.append(rng.choice([*node, odd_value(rng)]))
    elif action == 3 and isinstance(node[path[-1]], int | float):
        node[path[-1]] = node[path[-1]] * rng.choice([-1, 0, 0.5, 1.0, 1000, 1e9])
    else:
        node[path[-1]] = odd_value(rng)


def read_configuration(rng: random.Random, texts: list[str], schema: dict) -> str:
    """Mutate a configuration as text or as a tree; check it, and use it if it is accepted."""
    text = rng.choice(texts)
    if rng.random() < 0.2:
        data = Bytes(text.encode())
        for _ in range(rng.choice([1, 2])):
            data = rng.choice([flip_bits, drop, splice])(
                data, rng, [other.encode() for other in texts]
            )
        text = data.decode(errors="replace")
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # Snakemake's own reader refuses it
        return "configuration refused: no YAML"
    if not isinstance(tree, dict):
        return "configuration refused: no mapping"
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        mutate_tree(tree, rng)
    try:
        use_configuration(tree, schema)
    except InputError as error:
        assert "\n" not in str(error), error
        return "configuration refused"
    return "configuration used"


def use_configuration(tree: dict, schema: dict) -> None:
    """Do what the workflow does with a configuration before the first job."""
    given = with_types(tree, schema)
    check_config(given, schema)
    reductions(given)
    config = effective_config(given)
    names = networks(config)
    runs = first_runs(config) + [run for name in names for run in follow_up_runs(config, name)]
    has_several_lengths(config)
    paths = [(run.model, run.split, run.cut, run.slice, run.seed) for run in first_runs(config)]
    assert len(set(paths)) == len(paths), "two runs have one path"
    for run in runs:
        assert re.fullmatch(r"[0-9.]+s|whole", run.slice), run
        assert re.fullmatch(r"[0-9]+", str(run.seed)), run
        assert seconds_of_slice(run.slice) == run.slice_seconds, run
        frames = frames_in_slice(config, run.slice_seconds)
        assert frames is None or frames > 0, run
    numbers = [value for value in config["training"].values() if isinstance(value, int | float)]
    assert all(map(math.isfinite, numbers))


# The run


def case(seed: int, number: int) -> random.Random:
    return random.Random(f"{seed} {number}")


def reader(folder: Path) -> Callable[[random.Random], str]:
    """Return the function that makes, and reads, the input of a generator."""
    recordings = whole_recordings()
    paths = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))]
    base = read_yaml(paths[0])
    given = [yaml.safe_dump(merged(base, read_yaml(path))) for path in paths]
    schema = read_schema(ROOT / "schemas")

    def read(rng: random.Random) -> str:
        if rng.random() < 0.5:
            return read_recording(rng, recordings, folder)
        return read_configuration(rng, given, schema)

    return read


def merged(base: dict, over: dict) -> dict:
    """Merge as Snakemake merges --configfile: mappings deeply, the rest replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def work(seed: int, numbers: Any, answers: Any, folder: Path) -> None:
    """Read one input after the other, in a separate process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the decoders' complaints
    read = reader(folder)
    resource.setrlimit(resource.RLIMIT_AS, (used_memory() + MEMORY,) * 2)
    while (number := numbers.recv()) is not None:
        try:
            answers.send((True, read(case(seed, number))))
        except BaseException as error:
            answers.send((False, f"{type(error).__name__}: {error}"))


def used_memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


class Worker:
    """A process that reads inputs, started again when one of them kills it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context(
            "spawn"
        )  # a clean process, whatever this one has loaded
        own_numbers, self.numbers = context.Pipe(duplex=False)
        self.answers, own_answers = context.Pipe(duplex=False)
        arguments = (self.seed, own_numbers, own_answers, self.folder)
        self.process = context.Process(target=work, args=arguments, daemon=True)
        self.process.start()
        own_answers.close()  # or the end of the process would go unnoticed

    def ask(self, number: int) -> tuple[bool, str]:
        self.numbers.send(number)
        try:
            if self.answers.poll(SECONDS):
                return self.answers.recv()
            verdict = f"hang: more than {SECONDS:g} s"
        except EOFError:
            self.process.join()
            verdict = f"crash: exit code {self.process.exitcode}"
        self.close()
        self.start()
        return False, verdict

    def close(self) -> None:
        self.process.kill()
        self.process.join()


def fuzz(
    seed: int, until: Callable[[int], bool], kept: Path, first: int = 0
) -> tuple[Counter, list]:
    """Read inputs while `until` of their number holds; return what happened, and the failures."""
    outcomes, failures, number = Counter(), [], first
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(seed, Path(folder))
        while until(number):
            passed, verdict = worker.ask(number)
            outcomes[verdict if passed else "FAILED"] += 1
            if not passed:
                failures.append((number, verdict))
                print(f"input {number}: {verdict}", file=sys.stderr, flush=True)
                for path in Path(folder).rglob("x.*"):
                    kept.mkdir(parents=True, exist_ok=True)
                    (kept / f"{seed}-{number}{path.suffix}").write_bytes(path.read_bytes())
            for path in Path(folder).rglob("x.*"):
                path.unlink()
            number += 1
        worker.close()
    return outcomes, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="number of one input to read, with its traceback")
    parser.add_argument("--kept", type=Path, default=Path("fuzz_failures"))
    arguments = parser.parse_args()
    if arguments.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(reader(Path(folder))(case(arguments.seed, arguments.only)))
        return
    end = time.monotonic() + 60 * arguments.minutes
    outcomes, failures = fuzz(arguments.seed, lambda _: time.monotonic() < end, arguments.kept)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:8d} {outcome}")
    print(f"{sum(outcomes.values()):8d} inputs, {len(failures)} failures, seed {arguments.seed}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
