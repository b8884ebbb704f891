"""The report for people: grouped, bounded, escaped, and honest about what was not seen."""

from __future__ import annotations

from dataclasses import replace

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.report import Outcome, Report
from checkpoint_doctor.render.text import render_text

FINDING = Finding(
    "CFG001",
    "missing-model-type",
    "error",
    "config.json",
    "",
    1,
    "model_type is absent",
    None,
    {"happens": "ValueError: Unrecognized model", "why": "the Auto classes choose by it", "cure": "write it"},
    "0" * 16,
)
EMPTY = Report("./model", "llama, 1 B parameters", rules_run=9)


def test_nothing_found_is_short() -> None:
    text = render_text(EMPTY, seconds=0.01)
    assert text.splitlines()[0] == "./model: llama, 1 B parameters"
    assert text.splitlines()[-1].startswith("nothing found; everything could be looked at")
    assert len(text.splitlines()) == 3


def test_a_finding_has_its_place_reason_and_cure() -> None:
    text = render_text(replace(EMPTY, findings=(FINDING,)), seconds=0.01)
    for part in (
        "error[CFG001] missing-model-type: model_type is absent",
        "--> config.json:1",
        "ValueError",
        "write it",
    ):
        assert part in text
    assert "1 error, 0 warnings, 0 notes" in text


def test_many_findings_of_a_rule_are_counted() -> None:
    many = tuple(replace(FINDING, pointer=f"/{number}", message=f"number {number}") for number in range(50))
    text = render_text(replace(EMPTY, findings=many), seconds=0.01)
    assert "50 errors" in text
    assert "42 more" in text
    assert text.count("what happens") == 1


def test_what_could_not_be_looked_at_is_said() -> None:
    unseen = replace(EMPTY, skipped=(Outcome("ADP013", "the base was not found"),))
    text = render_text(unseen, seconds=0.01)
    assert "the base was not found" in text
    assert "everything could be looked at" not in text


def test_a_crash_is_visible() -> None:
    text = render_text(replace(EMPTY, crashed=(Outcome("CFG001", "ValueError: boom"),)), seconds=0.01)
    assert "ValueError: boom" in text
    assert "everything could be looked at" not in text


def test_names_cannot_drive_the_terminal() -> None:
    evil = replace(FINDING, message="a\x1b[31mb\u202ec\nd", file="x\x07.json", evidence={"why": "\x1b]0;t\x07"})
    fixed = replace(evil, fix=Fix("set \x1b[2J", "safe", (Edit("add", "f", "/a", value=1),)))
    text = render_text(replace(EMPTY, findings=(evil, fixed), target="\x1b[1m"), seconds=0.01)
    assert not {char for char in text if not char.isprintable()} - {"\n"}


def test_colour_only_when_asked() -> None:
    report = replace(EMPTY, findings=(FINDING,))
    assert "\x1b[" not in render_text(report, seconds=0.01)
    assert "\x1b[31;1m" in render_text(report, seconds=0.01, color=True)
