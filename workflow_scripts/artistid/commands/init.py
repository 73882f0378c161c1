"""Look at a folder of music, and write a configuration for it."""

import argparse
import sys
from pathlib import Path

from artistid.errors import InputError

HELP = "survey a folder of music, and write a configuration for it"
WORKFLOW = Path(__file__).resolve().parents[3]  # the folder of the Snakefile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of <artist>/<album>/<track>")
    parser.add_argument(
        "--name",
        default="my_music",
        help="of the corpus; results go to results/NAME/ (%(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("my_music.yaml"),
        metavar="FILE",
        help="the configuration to write (%(default)s)",
    )
    parser.add_argument(
        "--names",
        choices=("folders", "tags"),
        help="source of artist and album (default: the one that covers more recordings)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite the configuration")


def run(args: argparse.Namespace) -> int:
    """Survey the folder, report, and write the configuration."""
    from artistid.plan.config import read_schema, read_yaml
    from artistid.setup.choice import choose
    from artistid.setup.configuration import command, configuration
    from artistid.setup.estimate import cores, estimate, has_gpu
    from artistid.setup.report import describe_choice, describe_estimate, describe_folder
    from artistid.setup.survey import survey
    from artistid.storage.files import write_text

    if args.output.exists() and not args.force:
        raise InputError(
            f"{args.output}: already exists; choose another name with --output, or overwrite it "
            "with --force"
        )
    found = survey(args.folder.expanduser().absolute(), args.names, _show)
    _show("")
    print(describe_folder(found), end="", flush=True)
    base = read_yaml(WORKFLOW / "config.yaml")
    choice = choose(found, args.name, has_gpu(), base, read_schema(WORKFLOW / "schemas"))
    print(describe_choice(choice), end="", flush=True)
    is_here = Path.cwd().resolve() == WORKFLOW
    run_it = command(args.output if is_here else args.output.absolute(), cores())
    text = configuration(found, choice, run_it)
    print(describe_estimate(estimate(found.audio_dir, choice.rows, choice.config)), end="")
    write_text(args.output, text)
    where = "" if is_here else f" in {WORKFLOW}"
    print(f"\nwritten: {args.output}; look at it, and run{where}\n\n    {run_it}")
    return 0


def _show(path: str) -> None:
    """Show the current file on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{path!r:.70}" if path else "\r\x1b[K", end="", file=sys.stderr, flush=True)
