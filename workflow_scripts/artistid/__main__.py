"""The command line: ``artistid``, or ``python -m artistid``; a file of `artistid.commands` each."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from artistid import __version__
from artistid.errors import InputError

# Exit codes: all is well; some files could not be used; the call or an input is bad.
DONE, SOME_BAD, REFUSED = 0, 1, 2


def commands() -> dict[str, ModuleType]:
    """Return the commands by name: the modules of `artistid.commands` that begin with a letter.

    Each has `HELP` (a line), `add_arguments(parser)` and `run(arguments)`, which returns the exit
    code. Slow imports are inside `run`, so that ``--help`` does not wait for them.
    """
    folder = Path(__file__).parent / "commands"
    names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    return {name: importlib.import_module(f"artistid.commands.{name}") for name in names}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, do what it says, and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="artistid", description="Music artist classification.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    found = commands()
    own = {
        name: parsers.add_parser(name, help=module.HELP, description=module.__doc__)
        for name, module in found.items()
    }
    for name, module in found.items():
        module.add_arguments(own[name])
    if not given or given[0] not in own:
        parser.parse_args(given)  # says what is wrong, or what there is
        return REFUSED
    # Options may come before, between and after the names of files.
    parsed = own[given[0]].parse_intermixed_args(given[1:])
    try:
        code: int = found[given[0]].run(parsed)
        sys.stdout.flush()
    except InputError as error:
        print(f"artistid: {error}", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:  # such as of `| head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return 130
    return code


def console() -> int:
    """Be the program ``artistid``: names that are not UTF-8 are printed as the bytes they are."""
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    return main()


if __name__ == "__main__":
    sys.exit(console())
