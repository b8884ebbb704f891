"""What a report holds of the reasons: bounded, with lines, and never at the cost of the findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.core.loads import Constraint, Environment, Loads, Range
from checkpoint_doctor.core.versions import parse_spec
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import solve, told
from kit import llama, write_bytes


def reason(text: str = "a reason", file: str = "config.json", pointer: str = "/model_type") -> Constraint:
    return Constraint("transformers", parse_spec(">=4.30"), "k", text, file, pointer)


def placed(ckpt: Checkpoint, *reasons: Constraint) -> tuple[Constraint, ...]:
    loads = Loads({"transformers": Range("transformers", reasons[0].allowed, reasons)}, ("x" * 5000,))
    found = told.with_lines(ckpt, loads)
    assert len(found.unseen[0]) <= told.MAX_REASON
    return found.ranges["transformers"].constraints


def test_lines_are_those_of_the_values(tmp_path: Path) -> None:
    llama(tmp_path / "m")
    ckpt = Checkpoint(tmp_path / "m")
    text = (tmp_path / "m" / "config.json").read_text().splitlines()
    (one,) = placed(ckpt, reason())
    assert '"model_type"' in text[one.line - 1]


def test_no_line_where_there_is_none(tmp_path: Path) -> None:
    llama(tmp_path / "m")
    write_bytes(tmp_path / "m" / "tokenizer.json", b"[" + b" " * (1 << 20) + b"]")
    places = [("nowhere.json", ""), ("model.safetensors", ""), ("tokenizer.json", "/0"), ("config.json", "/no/such")]
    found = placed(Checkpoint(tmp_path / "m"), *(reason("r", *place) for place in places))
    assert [one.line for one in found[:3]] == [0, 0, 0]


def test_reasons_are_bounded(tmp_path: Path) -> None:
    llama(tmp_path / "m")
    found = placed(Checkpoint(tmp_path / "m"), *(reason("x\x1b" * 5000) for _ in range(500)))
    assert len(found) == told.MAX_CONSTRAINTS
    assert len(found[0].reason) <= told.MAX_REASON and found[0].reason.isprintable()


def test_an_assumed_environment_is_the_newest_of_what_matters(tmp_path: Path) -> None:
    llama(tmp_path / "m")
    judged = told.judged_against(Checkpoint(tmp_path / "m"), ["transformers", "never-heard-of"])
    assert {name: one.text for name, one in judged.packages.items()} == {"transformers": lookup.newest("transformers")}
    assert judged.assumed
    named = Environment({}, "--target")
    assert told.judged_against(Checkpoint(tmp_path / "m", environment=named), ["transformers"]) == named


def test_a_crashing_constraint_hides_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Checkpoint) -> Iterator[Constraint]:
        raise ValueError("a bug")
        yield

    monkeypatch.setattr(solve, "modules", lambda *_: (broken,))
    llama(tmp_path / "m", model_type=None)
    report = api.check(tmp_path / "m")
    assert "CFG001" in {finding.code for finding in report.findings}
    assert "VER" in {crash.code for crash in report.crashed}
    assert "a bug" in report.crashed[-1].reason
