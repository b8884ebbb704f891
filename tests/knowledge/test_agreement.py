"""The table against the transformers and peft that are installed: what benchmarks/agreement does with many releases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Names that the library cannot give without optional packages that fit, or that its own tables have wrong.
KNOWN = {"DetrDecoder", "_BaseModelWithGenerate", "PerceptionEncoder"}


def compared(root: Path, tmp_path: Path, part: str, package: str) -> tuple[list[list[object]], str]:
    """The misses of one part as [library, subject, what, predicted, real], and what was printed."""
    misses = tmp_path / "misses.jsonl"
    done = subprocess.run(
        [
            sys.executable, str(root / "benchmarks" / "agreement" / "compare.py"), "--python", sys.executable,
            "--only", package, "--parts", part, "--misses", str(misses), "--cache", str(tmp_path / "cache"),
        ],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert misses.exists(), done.stderr[-2000:]
    return [json.loads(line) for line in misses.read_text().splitlines()], done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("package", ["transformers", "peft"])
def test_all_names_agree(root: Path, tmp_path: Path, package: str) -> None:
    pytest.importorskip(package)
    misses, said = compared(root, tmp_path, "names", package)
    assert package in said
    # A class that needs a package which is not here cannot be imported, which says nothing about the table.
    assert [miss for miss in misses if miss[1] != "class names" and str(miss[2]).split()[-1] not in KNOWN] == []


@pytest.mark.slow
def test_adapters_of_other_releases_are_judged_as_peft_does(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    misses, _ = compared(root, tmp_path, "spoilt", "peft")
    assert misses == []
