"""Hold what we say of tokenizer.json against every release of tokenizers, by running their wheels.

    python benchmarks/agreement/tokenizer_files.py FOLDER_OF_WHEELS --python PATH [--python PATH ...]

Each document of the probe is taken as it is and as the tokenizers at hand writes it; a release is right when it gives
the tokens that the newest one gives. Our word is the constraints on the file. Prints the misses and the share agreed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tokenizers import Tokenizer

from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge.build.probe import documents, wheels
from checkpoint_doctor.versions.constraints import tokenizer_json


def asked() -> dict[str, list[Any]]:
    """Documents by name, each with its text or ids."""
    found = {}
    for _, name, (document, text, ids) in documents.questions():
        found[name] = [document, text, ids]
        written = json.loads(Tokenizer.from_str(json.dumps(document)).to_str())
        found[f"{name}, rewritten"] = [written, text, ids]
    return found


def predicted(document: dict[str, Any], release: int) -> bool:
    """Whether we say that a release reads a document rightly."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
        found = list(tokenizer_json.constraints(Checkpoint(Path(folder))))
    return all(release in one.allowed for one in found)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", action="append", default=[])
    options = parser.parse_args()
    questions = asked()
    pythons = wheels.interpreters(options.python or [sys.executable])
    answers = {
        wheel.release: answer
        for wheel, answer in wheels.answers(options.folder, "tokenizers", questions, pythons)
        if answer is not None and wheel.release >= tokenizer_json.FIRST
    }
    right = answers[max(answers)]
    total = agreed = 0
    for name, (document, _, _) in questions.items():
        for release, answer in answers.items():
            really = answer[name] == right[name]
            total += 1
            agreed += predicted(document, release) == really
            if predicted(document, release) != really:
                print(f"{name}, {dotted(release)}: it {'reads it' if really else f'says {answer[name]}'}")
    print(f"{agreed} of {total} agree ({agreed / total:.2%}), {len(answers)} releases, {len(questions)} documents")


if __name__ == "__main__":
    main()
