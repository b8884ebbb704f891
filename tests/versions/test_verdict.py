"""What to install: a release that meets every reason, is not withdrawn, and runs on the Python at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.core.loads import Constraint, Environment, Installed, Loads, Range
from checkpoint_doctor.core.versions import parse_spec
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import verdict

RELEASE = {"all": [45700, 45706, 50000, 52001, 52100, 52300], "yanked": [45700]}
PYTHON = {"in": 40000, "value": {"@": [[">=3.9.0", [40000, 50000]], [">=3.10.0", [50000, 52100]], [">=3.11.0", 52100]]}}


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {("release", "transformers"): RELEASE, ("pin", "transformers:python"): PYTHON}
    monkeypatch.setattr(lookup, "find", lambda kind, name: rows.get((kind, name)))
    monkeypatch.setattr(lookup, "releases", lambda package: tuple(RELEASE["all"]))


def line(folder: Path, spec: str, python: str = "") -> str:
    there = {"transformers": Installed(parse_spec("4.0"), "4.0")}
    if python:
        there["python"] = Installed(parse_spec(python), python)
    ckpt = Checkpoint(folder, environment=Environment(there, "installed here"))
    reason = Constraint("transformers", parse_spec(spec), "k", "reason", "config.json")
    ckpt.memo["loads_with"] = Loads({"transformers": Range("transformers", reason.allowed, (reason,))})
    return verdict.pip_line(ckpt, "transformers")


@pytest.mark.parametrize(
    ("spec", "python", "said"),
    [
        (">=4.57", "", 'pip install "transformers>=4.57.6"'),  # 4.57.0 was yanked
        (">=4.57", "3.12.1", 'pip install "transformers>=4.57.6"'),
        (">=5", "3.10.4", 'pip install "transformers==5.20.1"'),
        (">=5.1,<5.22", "3.10.4", 'pip install "transformers==5.20.1"'),
        (">=5.22", "3.10.4", 'pip install "transformers>=5.23.0", which needs a newer Python than 3.10.4'),
        ("<5", "", 'pip install "transformers==4.57.6"'),
        ("<4", "3.10.4", ""),
    ],
)
def test_what_to_install(tmp_path: Path, spec: str, python: str, said: str) -> None:
    assert line(tmp_path, spec, python) == said
