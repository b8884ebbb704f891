"""Hold the knowledge table against the real libraries and print how far they agree, with the misses.

    python benchmarks/agreement/compare.py --environments FOLDER [--cache FOLDER] [--only transformers-4.57.6] …
    python benchmarks/agreement/compare.py --python PYTHON            what that interpreter has, one release of each

The environments are made by environments.py. Answers are kept in the cache and asked for again when a script changes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import adapters  # noqa: E402
import names  # noqa: E402
import spoilt  # noqa: E402
from asking import Library, Tally  # noqa: E402
from environments import PEFT, TRANSFORMERS, python_of  # noqa: E402

from checkpoint_doctor.knowledge import lookup  # noqa: E402

PARTS = ("names", "spoilt")


def libraries(arguments: argparse.Namespace, cache: Path) -> Iterator[Library]:
    """What is to be asked, transformers first."""
    for package, releases in (("transformers", TRANSFORMERS), ("peft", PEFT)):
        if arguments.only and not any(name.startswith(package) for name in arguments.only):
            continue
        if arguments.python:
            asked = subprocess.run(
                [arguments.python, "-c", f"from importlib.metadata import version; print(version({package!r}))"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            yield Library(package, asked.stdout.strip(), arguments.python, cache)
            continue
        for version in releases:
            name = f"{package}-{version}"
            if not arguments.only or name in arguments.only or package in arguments.only:
                yield Library(package, version, python_of(arguments.environments / name), cache)


def tallies(library: Library, others: list[Library], parts: list[str]) -> Iterator[Tally]:
    """All comparisons with one release."""
    if library.package == "transformers":
        if "names" in parts:
            yield from names.compare(library)
        if "spoilt" in parts:
            yield from spoilt.compare(library)
    else:
        if "names" in parts:
            yield from adapters.compare(library)
        if "spoilt" in parts:
            yield from adapters.compare_loading(library, others)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--only", action="append", help="transformers, peft, or one environment's name")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--table", type=Path, help="another kb.tsv than the package's own")
    parser.add_argument("--misses", type=Path, help="write every miss there, as JSON lines")
    parser.add_argument("--show", type=int, default=5, help="how many misses of a subject to print")
    arguments = parser.parse_args()
    if bool(arguments.environments) == bool(arguments.python):
        parser.error("give either --environments or --python")
    if arguments.table:
        lookup.TABLE = arguments.table
    with tempfile.TemporaryDirectory() as temporary:
        asked = list(libraries(arguments, arguments.cache or Path(temporary)))
        missed = []
        for library in asked:
            others = [one for one in asked if one.package == library.package]
            for tally in tallies(library, others, arguments.parts):
                name = f"{library.package} {library.version}"
                share = f"{tally.share:8.3%}" if tally.cases else "       –"
                line = f"{name:20} {tally.subject:38} {tally.cases:6} cases {share} {len(tally.misses):5} missed"
                print(f"{line} {tally.note}".rstrip(), flush=True)
                if tally.total:
                    continue
                for what, predicted, real in tally.misses[: arguments.show]:
                    print(f"    {what}: {json.dumps(predicted)[:150]} but really {json.dumps(real)[:150]}")
                missed += [(name, tally.subject, *miss) for miss in tally.misses]
    if arguments.misses:
        arguments.misses.write_text("".join(json.dumps(miss) + "\n" for miss in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
