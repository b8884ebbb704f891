"""Reasons that exclude each other, judged by the releases that were really made; and releases in words."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_doctor.core.loads import Constraint, Range, intersection
from checkpoint_doctor.core.versions import parse_spec
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.ranges import colliding, span

MADE = (44600, 44603, 45000, 45706, 50000, 50001, 51000)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "releases", lambda package: MADE if package == "transformers" else ())


def found(*specs: str, package: str = "transformers", outcome: Any = "fails") -> Range:
    constraints = tuple(Constraint(package, parse_spec(spec), "k", spec, "config.json", "", outcome) for spec in specs)
    return Range(package, intersection(constraints), constraints)


@pytest.mark.parametrize(
    ("specs", "named"),
    [
        ((), ()),
        ((">=4.50", "<5"), ()),
        ((">=5", "<5"), (">=5", "<5")),
        ((">=4", "<5", ">=4.46", ">=5.0.1"), ("<5", ">=5.0.1")),
        ((">=4.57.7", "<5"), (">=4.57.7", "<5")),  # nothing was made between
        ((">=6", ">=5"), ()),  # may come
        ((">=5.2,<5.3", ">=4"), ()),  # one reason alone leaves none
        (("!=4.46.0,<4.50", "!=4.46.3,<5", ">=4"), ("!=4.46.0,<4.50", "!=4.46.3,<5")),
        (("!=4.46.0,!=4.46.3,<5", "!=4.50.0", "!=4.57.6"), ("!=4.46.0,!=4.46.3,<5", "!=4.50.0", "!=4.57.6")),
    ],
)
def test_what_collides(specs: tuple[str, ...], named: tuple[str, ...]) -> None:
    assert tuple(one.reason for one in colliding(found(*specs))) == named


def test_differences_do_not_collide() -> None:
    assert not colliding(found(">=5", "<5", outcome="differs"))


def test_without_a_table_the_numbers_decide() -> None:
    assert colliding(found(">=5", "<5", package="unheard-of"))
    assert not colliding(found(">=4.57.7", "<5", package="unheard-of"))


@pytest.mark.parametrize(
    ("releases", "text"),
    [
        ((), "none"),
        ((45000,), "4.50.0"),
        ((44603, 44600, 45000), "4.46.0 to 4.50.0"),
        ((44600, 45000, 45706), "4.46.0 and 4.50.0 to 4.57.6"),
        ((44600, 45000, 50000, 51000), "4.46.0, 4.50.0, 5.0.0 and 1 more"),
        ((52300,), "5.23.0"),
    ],
)
def test_releases_in_words(releases: tuple[int, ...], text: str) -> None:
    assert span("transformers", releases) == text
