"""The line that says what loads a directory, the reasons behind it, and the same for programs."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_doctor.core.loads import Constraint, Environment, Installed, Loads, Range, intersection, verdict
from checkpoint_doctor.core.report import Report
from checkpoint_doctor.core.versions import ANY, VersionSet, parse_spec
from checkpoint_doctor.render.json_v1 import as_data
from checkpoint_doctor.render.text import render_text


def needs(package: str, spec: str, outcome: Any = "fails", **more: Any) -> Constraint:
    return Constraint(package, parse_spec(spec), "a-kind", f"needs {spec}", "config.json", "/x", outcome, **more)


def report(*constraints: Constraint, source: str = "installed here", through: str = "", **have: str) -> Report:
    packages = dict.fromkeys(constraint.package for constraint in constraints) or {"transformers": None}
    ranges = {}
    for package in packages:
        its = tuple(constraint for constraint in constraints if constraint.package == package)
        ranges[package] = Range(package, intersection(its), its)
    there = {
        name: Installed(parse_spec(text.removesuffix("!")), text.removesuffix("!"), text.endswith("!"))
        for name, text in have.items()
    }
    return Report(
        "dir",
        "a model",
        versions=(("transformers known", "5.23.0"), ("peft known", "0.21.2")),
        loads_with=Loads(ranges, ("tokenizer.json is not valid JSON",), through),
        environment=Environment(there, source),
    )


def line(told: Report) -> str:
    return render_text(told, seconds=0.1).splitlines()[1]


TOKENIZERS = needs("tokenizers", ">=0.20")
NATIVE = needs("transformers", ">=5", "differs")._replace(kind="own-code")
OWN = "its own code (trust_remote_code)"
BOTH = (needs("transformers", ">=4.57,<5.6"), needs("peft", ">=0.14"))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (report(source="assumed"), "loads with any transformers"),
        (report(transformers="5.0.0"), "loads with any transformers"),
        (report(BOTH[0], source="assumed", transformers="5.23.0"), "loads with transformers >=4.57.0,<5.6.0"),
        (report(BOTH[0], transformers="5.0.0"), "loads with transformers >=4.57.0,<5.6.0; you have 5.0.0"),
        (
            report(*BOTH, transformers="5.0.0", peft="0.18.0"),
            "loads with transformers >=4.57.0,<5.6.0 and peft >=0.14.0; you have 5.0.0 and 0.18.0",
        ),
        (
            report(*BOTH, transformers="4.51.3", peft="0.18.0"),
            "loads with transformers >=4.57.0,<5.6.0 and peft >=0.14.0; you have transformers 4.51.3",
        ),
        (
            report(BOTH[1], transformers="4.51.3"),
            "loads with peft >=0.14.0; you have no peft",
        ),
        (
            report(BOTH[0], transformers="5.24.0.dev0!"),
            "loads with transformers >=4.57.0,<5.6.0;"
            " you have transformers 5.24.0.dev0, newer than what I know (5.23.0)",
        ),
        (
            report(BOTH[0], source="requirements.txt", transformers=">=4.40"),
            "loads with transformers >=4.57.0,<5.6.0; requirements.txt has transformers >=4.40",
        ),
        (
            report(*BOTH, source="--target", transformers="5.0"),
            "loads with transformers >=4.57.0,<5.6.0 and peft >=0.14.0; --target has 5.0",
        ),
        (
            report(needs("transformers", ">=5", "wrong"), transformers="4.51.3"),
            "loads with transformers >=5.0.0; you have transformers 4.51.3, which loads it wrong",
        ),
        (
            report(needs("transformers", ">=5"), needs("transformers", "<5"), BOTH[1], source="assumed"),
            "loads with peft >=0.14.0; no release of transformers loads this",
        ),
        (report(*BOTH[:1], TOKENIZERS, source="assumed"), "loads with transformers >=4.57.0,<5.6.0"),
        (
            report(*BOTH[:1], TOKENIZERS, transformers="5.0", tokenizers="0.22.0"),
            "loads with transformers >=4.57.0,<5.6.0; you have 5.0",
        ),
        (
            report(*BOTH[:1], TOKENIZERS, transformers="5.0", tokenizers="0.15.2"),
            "loads with transformers >=4.57.0,<5.6.0 and tokenizers >=0.20.0; you have tokenizers 0.15.2",
        ),
        (
            report(BOTH[0], NATIVE, source="assumed"),
            "loads with transformers >=4.57.0,<5.6.0 (>=4.57.0,<5.0.0 through its own code)",
        ),
        (report(source="assumed", through=OWN), "loads through its own code (trust_remote_code)"),
        (
            report(BOTH[0], source="assumed", through=OWN),
            "loads through its own code (trust_remote_code), with transformers >=4.57.0,<5.6.0",
        ),
    ],
)
def test_the_line(told: Report, text: str) -> None:
    assert line(told) == text


def test_a_difference_is_told_as_a_reason_but_narrows_nothing() -> None:
    told = report(needs("transformers", ">=4.56", "differs"), needs("transformers", ">=4.28"), transformers="4.50.0")
    assert line(told) == "loads with transformers >=4.28.0; you have 4.50.0"
    text = render_text(told, seconds=0.1, explain_versions=True).splitlines()
    assert text[2].split() == ["transformers", ">=4.28.0", "needs", ">=4.28", "(config.json)"]
    assert text[3].split() == ["transformers", ">=4.56.0", "needs", ">=4.56;", "else", "differs", "(config.json)"]
    assert text[4] == "  could not look: tokenizer.json is not valid JSON"
    assert text[5] == "  judged against: installed here (transformers 4.50.0)"


def test_lines_are_named_and_many_reasons_are_counted() -> None:
    told = report(*(needs("transformers", f">=4.{number}", line=number) for number in range(30)))
    text = render_text(told, seconds=0.1, explain_versions=True)
    assert "(config.json:7)" in text
    assert "… and 10 more about transformers" in text


def test_text_out_of_a_checkpoint_cannot_drive_the_terminal() -> None:
    evil = Constraint("transformers", VersionSet((5,)), "k", "a\x1b[31m\nb", "c\x07.json")
    told = report(evil, transformers="4.0")
    assert not {char for char in render_text(told, seconds=0.1, explain_versions=True) if not char.isprintable()} - {
        "\n"
    }


@pytest.mark.parametrize(
    ("have", "newer", "said"),
    [
        ("4.57.1", False, "loads"),
        ("4.51.3", False, "fails"),
        ("6.0", True, "unknown"),
        (">=4.40,<5", False, "partly"),
        (">=4.57,<5", False, "loads"),
        (None, False, "unknown"),
    ],
)
def test_the_verdict(have: str | None, newer: bool, said: str) -> None:
    found = Range("transformers", BOTH[0].allowed, BOTH[:1])
    assert verdict(found, None if have is None else Installed(parse_spec(have), have, newer)) == said


def test_wrong_only_when_nothing_fails() -> None:
    wrong, fails = needs("transformers", ">=5", "wrong"), needs("transformers", ">=4.57")
    found = Range("transformers", intersection((wrong, fails)), (wrong, fails))
    assert verdict(found, Installed(parse_spec("4.57.1"), "4.57.1")) == "wrong"
    assert verdict(found, Installed(parse_spec("4.40.0"), "4.40.0")) == "fails"
    assert verdict(Range("transformers", ANY), Installed(ANY, "any")) == "loads"


def test_the_shape_for_programs() -> None:
    told = as_data(report(needs("transformers", ">=4.57,<5.6", line=3), transformers="4.51.3"))
    assert told["loads_with"] == {
        "transformers": {
            "range": ">=4.57.0,<5.6.0",
            "in": [["4.57.0", "5.6.0"]],
            "constraints": [
                {
                    "kind": "a-kind",
                    "reason": "needs >=4.57,<5.6",
                    "file": "config.json",
                    "pointer": "/x",
                    "line": 3,
                    "in": [["4.57.0", "5.6.0"]],
                    "outcome": "fails",
                }
            ],
            "have": {"version": "4.51.3", "source": "installed here", "newer": False},
            "verdict": "fails",
        }
    }
    assert told["environment"] == {"source": "installed here", "packages": {"transformers": "4.51.3"}, "notes": []}
    assert told["loads_through"] is None
    assert told["loads_unseen"] == ["tokenizer.json is not valid JSON"]


def test_a_package_that_is_not_there_has_nothing() -> None:
    told = as_data(report(BOTH[1], transformers="5.0"))["loads_with"]["peft"]
    assert (told["have"], told["verdict"]) == (None, "unknown")


def test_what_a_strangers_code_makes_of_a_release_is_not_known() -> None:
    told = as_data(report(BOTH[0], through=OWN, transformers="5.0"))
    assert (told["loads_through"], told["loads_with"]["transformers"]["verdict"]) == (OWN, "unknown")
    told = as_data(report(BOTH[0], through=OWN, transformers="4.50"))
    assert told["loads_with"]["transformers"]["verdict"] == "fails"
