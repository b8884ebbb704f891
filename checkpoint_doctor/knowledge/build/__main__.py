"""For maintainers: `python -m checkpoint_doctor.knowledge.build refresh [--wheels DIR] [--offline]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build.refresh import refresh

DATA = Path(__file__).resolve().parents[1] / "data"


def main(arguments: list[str]) -> int:
    """The command; 0 when the table is up to date, 2 when it could not be brought there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ckpt-doctor-knowledge"
    parser = argparse.ArgumentParser(prog="python -m checkpoint_doctor.knowledge.build", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("refresh", help="bring data/kb.tsv and data/kb.lock up to date")
    one.add_argument("--wheels", type=Path, default=cache / "wheels", help="folder of the packages' files")
    one.add_argument("--offline", action="store_true", help="take the releases that lie in the folder, and ask nobody")
    one.add_argument("--facts", type=Path, default=cache / "facts", help="folder that keeps what was read of each file")
    one.add_argument("--data", type=Path, default=DATA, help="folder of kb.tsv and kb.lock")
    one.add_argument("--processes", type=int, default=2, help="how many to read with")
    given = parser.parse_args(arguments)
    try:
        refresh(given.data, given.wheels, given.facts, offline=given.offline, processes=given.processes, say=print)
    except UserError as problem:
        print(f"{problem.message}\n{problem.hint}".strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
