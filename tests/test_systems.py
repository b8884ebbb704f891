"""Systems as they are published, at their real size but without data: the whole report of each, and what loads it.

UPDATE_GOLDEN=1 pytest tests/test_systems.py rewrites the reports. Their README.md files: where the facts are from.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.render.json_v1 import as_data

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SYSTEMS = FIXTURES / "systems"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
LLAVA = "llava-v1.6-mistral-7b-lora"
HUGE = {"Kimi-K2-Thinking", "MiniMax-M2"}  # 210,000 and 96,000 tensors: seconds
# The golden's name, the system, the directory in it, and the base.
CASES = [
    ("report", name, "", "")
    for name in sorted(path.name for path in SYSTEMS.iterdir() if path.is_dir() and path.name != LLAVA)
] + [
    ("with_base", LLAVA, "llava-v1.6-mistral-7b-task-lora", "llava-v1.6-mistral-7b"),
    ("alone", LLAVA, "llava-v1.6-mistral-7b-task-lora", ""),
    ("base", LLAVA, "llava-v1.6-mistral-7b", ""),
]


def marked(case: tuple[str, str, str, str]) -> Any:
    marks = [pytest.mark.slow] if case[1] in HUGE else []
    return pytest.param(*case, marks=marks, id=f"{case[1]}-{case[0]}")


@pytest.mark.parametrize(("golden", "system", "folder", "base"), map(marked, CASES))
def test_report(
    golden: str, system: str, folder: str, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FIXTURES))
    import sparse

    sparse.make(system, tmp_path / system)
    monkeypatch.chdir(tmp_path / system)
    path = folder or "."
    environment = api.environment(targets=["newest"])
    report = as_data(api.check(path, base=base or None, find_base=bool(base), environment=environment))
    del report["tool"]
    assert not report["crashed"]
    file = SYSTEMS / system / f"{golden}.json"
    if UPDATE:
        file.write_text(json.dumps(report, indent=2) + "\n")
    assert json.loads(file.read_text()) == report


def test_braces() -> None:
    sys.path.insert(0, str(FIXTURES))
    import sparse

    assert list(sparse.expand("a{0-1}.{x,y}")) == ["a0.x", "a0.y", "a1.x", "a1.y"]
    assert list(sparse.expand("plain")) == ["plain"]
