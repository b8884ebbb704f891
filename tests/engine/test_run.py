"""One rule's failure never hides another rule's findings, and "could not look" is an answer of its own."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.core.rule import Rule
from checkpoint_doctor.engine.loader import load_rules, read_rule
from checkpoint_doctor.engine.run import MAX_PROBLEMS_PER_RULE, fingerprint, run
from checkpoint_doctor.errors import CkptDoctorError

CHECKS = {
    "POL001": "raise ValueError('boom')",
    "POL002": "ckpt.json('absent.json')\n    yield",
    "POL003": "yield Problem('found', '/model_type')",
    "POL004": "yield from (Problem(str(n), f'/{n}') for n in range(10 ** 9))",
    "POL005": "def deep(): return deep()\n    deep()\n    yield",
}


def make(folder: Path, code: str, **changes: object) -> Rule:
    room = folder / "policy" / f"{code.lower()}_some_state"
    room.mkdir(parents=True)
    data = {
        "code": code,
        "name": "some-state",
        "severity": "error",
        "status": "stable",
        "since": "0.1.0",
        "summary": "a state",
        "file": "config.json",
        **changes,
    }
    (room / "rule.json").write_text(json.dumps(data))
    if "schema" not in changes:
        body = f"from checkpoint_doctor.sdk import Problem\n\n\ndef check(ckpt):\n    {CHECKS[code]}\n"
        (room / "check.py").write_text(body)
    return read_rule(room / "rule.json")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{\n  "a": 1,\n  "model_type": "llama"\n}')
    return folder


def test_a_crash_stays_local_and_visible(tmp_path: Path, model: Path) -> None:
    rules = [make(tmp_path, code) for code in ("POL001", "POL002", "POL003", "POL005")]
    report = api.report_on(api.open_checkpoint(model), rules, "model")
    assert [(f.code, f.line, f.evidence["source"]) for f in report.findings] == [("POL003", 3, '"model_type": "llama"')]
    assert [outcome.code for outcome in report.skipped] == ["POL002"]
    assert "absent.json" in report.skipped[0].reason
    assert [outcome.code for outcome in report.crashed] == ["POL001", "POL005"]
    assert "boom" in report.crashed[0].reason


def test_findings_are_bounded(tmp_path: Path, model: Path) -> None:
    results = run([make(tmp_path, "POL004")], api.open_checkpoint(model))
    assert len(results.findings) == MAX_PROBLEMS_PER_RULE
    assert results.skipped


def test_fingerprints_do_not_depend_on_lines(tmp_path: Path, model: Path) -> None:
    rule = make(tmp_path, "POL003")
    first = run([rule], api.open_checkpoint(model)).findings[0]
    (model / "config.json").write_text('{"model_type": "llama"}')
    second = run([rule], api.open_checkpoint(model)).findings[0]
    assert first.line != second.line
    assert first.fingerprint == second.fingerprint


def test_a_rule_of_a_schema(tmp_path: Path, model: Path) -> None:
    rule = make(
        tmp_path,
        "POL003",
        message="{value} is no name we use",
        schema={"properties": {"model_type": {"enum": ["ours"]}}},
        fix={
            "title": "call it ours",
            "safety": "safe",
            "edits": [{"op": "set", "pointer": "", "value": "ours"}],
        },
    )
    (finding,) = run([rule], api.open_checkpoint(model)).findings
    assert (finding.pointer, finding.line, finding.message) == ("/model_type", 3, '"llama" is no name we use')
    assert finding.fix is not None
    assert finding.fix.edits[0].expect == "llama"


def test_needs_decide_whether_a_rule_applies(tmp_path: Path, model: Path) -> None:
    rules = [make(tmp_path, "POL003", needs=["adapter"]), make(tmp_path, "POL001", model_types=["gpt2"])]
    results = run(rules, api.open_checkpoint(model))
    assert (results.rules_run, results.findings, results.crashed) == (0, [], [])


def test_two_rooms_with_one_code_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "POL003")
    room = tmp_path / "other" / "pol003_some_state"
    room.mkdir(parents=True)
    (room / "rule.json").write_text((tmp_path / "policy" / "pol003_some_state" / "rule.json").read_text())
    with pytest.raises(CkptDoctorError, match="POL003"):
        load_rules(tmp_path)


@pytest.mark.parametrize("case", ["bad_mlx", "bad_adapter_hub"])
def test_nobody_looks_for_the_base_of_another_librarys_adapter(case: str) -> None:
    folder = Path(__file__).parents[2] / "fixtures" / "ADP029" / case / "given"
    assert not api.check(folder).skipped


@pytest.mark.parametrize("missing", [(), ("_sha2",), ("_sha2", "_sha256")])
def test_a_fingerprint_is_a_sha256_whatever_computes_it(
    missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    wanted = hashlib.sha256(b"CFG001\0config.json\0/\xed\xa0\x80").hexdigest()[:16]
    assert fingerprint("CFG001", "config.json", "/\ud800") == wanted
