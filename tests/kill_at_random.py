"""Kill a workflow and its jobs at random moments until the time is over, and compare the results.

    python tests/kill_at_random.py --minutes 30 --seed 1

An undisturbed run comes first. Then runs are disturbed: after a random time the whole workflow
(SIGKILL) or one of its jobs (SIGKILL or SIGTERM) is killed, and the run continues until it is
complete; its files must have the same bits. Prints how many kills hit what, and how many files
differ.
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from conftest import copy_workflow, snakemake, write_config
from interruptions import SMALL, digests, jobs, kill, start, wait_for

ARGUMENTS = ("--configfile", "small.yaml")
QUIET_AFTER = 4  # kills of one run: after that it may end


def name_of(process: int) -> str:
    """Return the script that a job runs."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended"
    scripts = [part for part in command if b".snakemake/scripts/" in part]
    return scripts[0].decode().rpartition("/")[2].partition(".")[2] if scripts else "ended"


def disturb(workdir: Path, chance: random.Random, longest: float, kills: Counter) -> float | None:
    """Start the workflow and kill something within a time; return its time if it ended before."""
    started = time.monotonic()
    process = start(workdir, *ARGUMENTS, output=workdir / "output.txt")
    until = started + chance.uniform(0, longest)
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)
    if process.poll() is not None:
        if process.returncode:
            raise SystemExit((workdir / "output.txt").read_text())
        return time.monotonic() - started
    running = sorted(jobs(workdir))
    if running and chance.random() < 0.6:
        job, number = chance.choice(running), chance.choice([signal.SIGKILL, signal.SIGTERM])
        name = name_of(job)
        if kill(job, number):
            kills[f"{number.name} of {name}"] += 1
        process.wait()
    else:
        process.kill()
        process.wait()
        kills["SIGKILL of the workflow"] += 1
        wait_for(lambda: not jobs(workdir), seconds=20)
        snakemake(workdir, "--unlock", *ARGUMENTS)
    return None


def main() -> None:
    """Kill, resume and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance, kills, runs, different = random.Random(args.seed), Counter(), 0, []
    with tempfile.TemporaryDirectory() as name:
        workdir = copy_workflow(Path(name))
        write_config(workdir / "small.yaml", SMALL)
        results = workdir / "results/small"
        started = time.monotonic()
        done = snakemake(workdir, *ARGUMENTS)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        expected, longest = digests(results), time.monotonic() - started
        print(f"undisturbed: {longest:.0f} s, {len(expected)} files", flush=True)
        until = time.monotonic() + 60 * args.minutes
        while time.monotonic() < until:
            shutil.rmtree(results)
            for _ in range(QUIET_AFTER):
                # A machine that was busy at first may be faster now.
                if took := disturb(workdir, chance, longest, kills):
                    longest = min(longest, took)
                    break
            done = snakemake(workdir, *ARGUMENTS)
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
            found = digests(results)
            differ = {
                file for file in expected.keys() | found if expected.get(file) != found.get(file)
            }
            runs, different = runs + 1, different + sorted(differ)
            print(f"run {runs}: {kills.total()} kills, {len(different)} differences", flush=True)
    for what, count in sorted(kills.items()):
        print(f"{count:5d} {what}")
    print(f"{runs} runs, {kills.total()} kills, {len(different)} differences {different}")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
