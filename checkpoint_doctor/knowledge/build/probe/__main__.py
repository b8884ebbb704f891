"""Ask the releases and print their rows, or write them to overrides.tsv."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from checkpoint_doctor.core.tensor import DTYPE_BITS
from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.knowledge.build.intervals import dumped
from checkpoint_doctor.knowledge.build.probe import documents
from checkpoint_doctor.knowledge.build.probe.rows import judged, replace, row
from checkpoint_doctor.knowledge.build.probe.wheels import answers, interpreters
from checkpoint_doctor.knowledge.lookup import OVERRIDES

REASON = "seen by running every release on a document of its own (knowledge.build.probe)"
LINKS = {
    "tokenizers": "https://github.com/huggingface/tokenizers/releases",
    "safetensors": "https://github.com/huggingface/safetensors/releases",
}
Rows = dict[tuple[str, str], dict[str, Any]]


def tokenizers(folder: Path, pythons: dict[tuple[int, int], str]) -> Rows:
    """Rows of component types and keys of tokenizer.json."""
    asked = {f"{kind} {name}": question for kind, name, question in documents.questions()}
    found = _ask(folder, "tokenizers", asked, pythons)
    rows: Rows = {}
    for question in asked:
        kind, name = question.split(" ")
        rows[kind, name] = row(judged({release: answer[question] for release, answer in found.items()}))
    return rows


def safetensors(folder: Path, pythons: dict[tuple[int, int], str]) -> Rows:
    """Rows of dtypes: "header" is the first release that reads the header, where tensors came later or not at all."""
    found = _ask(folder, "safetensors", dict(DTYPE_BITS), pythons)
    rows: Rows = {}
    for dtype in DTYPE_BITS:
        said = {release: answer[dtype][0] for release, answer in found.items()}
        header = row({release: ("refused" if what == "refused" else "read", "") for release, what in said.items()})
        if said[max(said)] == "header":
            rows["safetensors_dtype", dtype] = {"in": header["in"], "tensor": False}
            continue
        tensor = row({release: ("read" if what == "read" else "refused", "") for release, what in said.items()})
        later = {} if header["in"] == tensor["in"] else {"header": header["in"]}
        rows["safetensors_dtype", dtype] = {"in": tensor["in"], **later}
    return rows


def _ask(
    folder: Path, package: str, asked: dict[str, Any], pythons: dict[tuple[int, int], str]
) -> dict[int, dict[str, list[Any]]]:
    found = {}
    for wheel, answer in answers(folder, package, asked, pythons):
        if answer is None:
            print(f"{package} {dotted(wheel.release)} was not asked: it cannot be run here", file=sys.stderr)
        else:
            found[wheel.release] = answer
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m checkpoint_doctor.knowledge.build.probe")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", action="append", default=[], metavar="PATH")
    parser.add_argument("--write", action="store_true", help="put the rows into overrides.tsv")
    options = parser.parse_args()
    pythons = interpreters(options.python or [sys.executable])
    for package, rows in (
        ("tokenizers", tokenizers(options.folder, pythons)),
        ("safetensors", safetensors(options.folder, pythons)),
    ):
        for (kind, name), entry in rows.items():
            print(kind, name, dumped(entry), sep="\t")
        if options.write:
            replace(OVERRIDES, {kind for kind, _ in rows}, rows, REASON, LINKS[package])


if __name__ == "__main__":
    main()
