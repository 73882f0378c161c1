"""The command line: ``python -m artistid --version``."""

import argparse

from artistid import __version__


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="artistid", description="Music artist classification.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.parse_args()
    parser.print_help()


if __name__ == "__main__":
    main()
