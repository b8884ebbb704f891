"""Choosing rules by code, prefix, name and severity."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.core.rule import Rule
from checkpoint_doctor.engine.select import select
from checkpoint_doctor.errors import UserError


def rule(code: str, name: str, severity: str = "error", status: str = "stable") -> Rule:
    return Rule(code, name, severity, status, "0.1.0", "summary", "config.json", Path())  # type: ignore[arg-type]


RULES = (
    rule("ADP001", "no-weights"),
    rule("CFG001", "missing-type"),
    rule("CFG002", "odd-type", "warning"),
    rule("CFG003", "new-idea", "info", "preview"),
)


@pytest.mark.parametrize(
    ("chosen", "ignored", "codes"),
    [
        ((), (), "ADP001 CFG001 CFG002"),
        (("CFG",), (), "CFG001 CFG002"),
        (("cfg001",), (), "CFG001"),
        (("odd-type",), (), "CFG002"),
        (("warning",), (), "CFG002"),
        (("ALL",), ("CFG",), "ADP001"),
        (("CFG001",), ("CFG",), "CFG001"),
        (("CFG",), ("CFG001",), "CFG002"),
        ((), ("error",), "CFG002"),
        (("CFG003",), (), "CFG003"),
    ],
)
def test_words(chosen: tuple[str, ...], ignored: tuple[str, ...], codes: str) -> None:
    assert " ".join(rule.code for rule in select(RULES, chosen, ignored)) == codes


def test_preview_rules_run_when_asked_for() -> None:
    assert len(select(RULES, preview=True)) == 4


def test_a_word_that_matches_nothing_names_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        select(RULES, ["missing-typ"])
    assert "missing-type" in caught.value.hint


def test_a_prefix_of_preview_rules_alone_does_not_pass_for_clean() -> None:
    with pytest.raises(UserError) as caught:
        select([rule for rule in RULES if rule.status == "preview"], ["CFG"])
    assert "--preview" in caught.value.hint
