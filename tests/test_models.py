"""Whole directories under all rules at once: the golden report of each, and silence on the healthy ones.

UPDATE_GOLDEN=1 pytest tests/test_models.py rewrites report.json; read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.render.json_v1 import as_data

MODELS = Path(__file__).resolve().parents[1] / "fixtures" / "models"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
CASES = sorted(path.parent.name for path in MODELS.glob("*/given"))
SICK = {"llava_v16_mistral"}


def report_of(name: str, monkeypatch: pytest.MonkeyPatch, path: str = "") -> dict[str, Any]:
    folder = MODELS / name
    settings = folder / "case.json"
    chosen = {"path": "given", **(json.loads(settings.read_text()) if settings.exists() else {})}
    monkeypatch.chdir(folder)
    data = as_data(
        api.check(
            path or chosen["path"],
            base=chosen.get("base"),
            environment=api.environment(targets=chosen.get("targets", ())),
        )
    )
    del data["tool"], data["environment"]  # a release, ours or another's, must not touch the goldens
    data["loads_with"] = {package: found["range"] for package, found in data["loads_with"].items()}
    return data


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(name, monkeypatch)
    golden = MODELS / name / "report.json"
    if UPDATE:
        golden.write_text(json.dumps(report, indent=2) + "\n")
    assert golden.exists(), "no report.json; run with UPDATE_GOLDEN=1"
    assert json.loads(golden.read_text()) == report


@pytest.mark.parametrize("name", [name for name in CASES if name not in SICK])
def test_healthy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(name, monkeypatch)
    loud = [finding for finding in report["findings"] if finding["severity"] != "info"]
    assert not loud and not report["skipped"] and not report["crashed"]


def test_llava_lora_has_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory of the README: one error, the right one, with a command that can be copied."""
    report = report_of("llava_v16_mistral", monkeypatch)
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert [finding["code"] for finding in errors] == ["LLV001"]
    assert "LlavaMistralConfig" in errors[0]["evidence"]["happens"]
    assert errors[0]["fix"]["title"].startswith("ckpt-doctor fix --merge ")
    assert report["summary"]["warning"] == 0 and report["summary"]["info"] <= 2


@pytest.mark.parametrize("part", ["llava-v1.6-mistral-7b", "openai-clip-tiny"])
def test_llava_full_models_are_healthy(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of("llava_v16_mistral", monkeypatch, f"given/{part}")
    assert report["summary"]["error"] == report["summary"]["warning"] == 0, report["findings"]


REAL_PAIR = Path(__file__).resolve().parents[2] / "shared" / "llava_v16_mistral_tiny"


@pytest.mark.skipif(not REAL_PAIR.exists(), reason="the pair written by the llava package itself is not at hand")
@pytest.mark.parametrize("part", ["llava-v1.6-mistral-7b", "llava-v1.6-mistral-7b-task-lora", "merged_by_llava"])
def test_real_pair(part: str) -> None:
    """The same verdicts on what the real package wrote."""
    report = api.check(REAL_PAIR / part)
    errors = [finding.code for finding in report.findings if finding.severity == "error"]
    assert errors == (["LLV001"] if part.endswith("lora") else [])
    assert not report.count("warning") and not report.skipped and not report.crashed
