"""What people read: one root cause is told once, commands stay whole, and a crash is never called clean."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.report import Outcome, Report
from checkpoint_doctor.render.text import render_text


def finding(code: str = "CFG001", file: str = "config.json", fix: Fix | None = None, **evidence: Any) -> Finding:
    return Finding(code, "some-state", "error", file, "", 1, "it is wrong", fix, evidence, "0")


def lines(report: Report, width: int = 100) -> list[str]:
    return render_text(report, seconds=0.1, width=width).splitlines()


def test_rules_that_wait_for_a_cured_file_are_counted_and_sent_to_its_finding() -> None:
    skipped = tuple(Outcome(f"WGT{number:03}", "config.json is not valid JSON") for number in range(24))
    text = lines(Report("dir", "model", (finding("FMT004"),), skipped=skipped, rules_run=30))
    assert "could not look: config.json has to be cured first, see FMT004 (24 rules)" in text
    assert text[-1].startswith("1 error, 0 warnings, 0 notes; 24 of 30 rules could not look")


def test_few_rules_that_could_not_look_are_named() -> None:
    text = lines(Report("dir", "model", skipped=(Outcome("ADP013", "the base x was not found"),), rules_run=2))
    assert "could not look: the base x was not found (ADP013)" in text


def test_a_crash_is_not_called_clean() -> None:
    last = lines(Report("dir", "model", crashed=(Outcome("CFG001", "ValueError"),), rules_run=9))[-1]
    assert last.startswith("nothing found; 1 rule crashed; ")


@pytest.mark.parametrize(
    ("safety", "command"),
    [
        ("safe", "ckpt-doctor fix 'my dir' --select CFG001"),
        ("unsafe", "ckpt-doctor fix 'my dir' --unsafe --select CFG001"),
    ],
)
def test_an_edit_comes_with_the_command_that_makes_it(safety: Any, command: str) -> None:
    fix = Fix("set it", safety, (Edit("set", "config.json", "/a", 1, 2),))
    (line,) = (line for line in lines(Report("my dir", "model", (finding(fix=fix),)), 50) if "apply" in line)
    assert line.endswith(command)


def test_explanations_keep_to_the_width_and_cut_no_name() -> None:
    why = "a long story about ckpt-doctor and its non-lora-trainables file " * 4
    text = lines(Report("d", "m", (finding(why=why),)), 60)
    assert max(len(line) for line in text if line.startswith("   ")) <= 60
    assert not any(line.endswith("-") for line in text)


def test_findings_of_one_rule_stand_together() -> None:
    found = (finding("CFG001"), finding("CFG002", "a.json"), finding("CFG001", "b.json"))
    heads = [line[6:12] for line in lines(Report("d", "m", found)) if line.startswith("error[")]
    assert heads == ["CFG001", "CFG001", "CFG002"]
