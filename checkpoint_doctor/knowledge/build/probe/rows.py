"""Rows of overrides.tsv out of what releases answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checkpoint_doctor.knowledge.build.intervals import bounds, dumped

# By release: "read" with the right answer, "ignored" in silence, "refused" with a message.
Answers = Mapping[int, "tuple[str, str]"]
_PLACE = re.compile(r"(?: at line \d+ column \d+|, expected one of).*", re.DOTALL)


def judged(found: Mapping[int, list[Any]]) -> dict[int, tuple[str, str]]:
    """Answers by release, held against that of the newest one.

    Raises:
        ValueError: the newest release itself does not read it.
    """
    right = found[max(found)]
    if right[0] != "read":
        raise ValueError(f"the newest release says {right}")
    return {
        release: (("read", "") if answer == right else ("ignored", ""))
        if answer[0] == "read"
        else ("refused", _PLACE.sub("", str(answer[1])))
        for release, answer in found.items()
    }


def row(answers: Answers) -> dict[str, Any]:
    """A row: "in", the releases that read it; "else", what others do; "message", what the last that refused it said."""
    order = sorted(answers)
    places: dict[str, list[int]] = {}
    for place, release in enumerate(order):
        places.setdefault(answers[release][0], []).append(place)
    found: dict[str, Any] = {"in": bounds(places.pop("read"), order)}
    others = [[what, bounds(where, order)] for what, where in places.items()]
    if others:
        found["else"] = others[0][0] if len(others) == 1 else {"@": others}
    messages = [answers[release][1] for release in order if answers[release][0] == "refused"]
    if messages:
        found["message"] = messages[-1]
    return found


def replace(
    path: Path, kinds: set[str], rows: Mapping[tuple[str, str], dict[str, Any]], reason: str, link: str
) -> None:
    """Put rows in the place of all rows of their kinds."""
    old = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in old if line.split(b"\t", 1)[0].decode() not in kinds]
    made = [f"{kind}\t{name}\t{dumped(entry)}\t{reason}\t{link}\n".encode() for (kind, name), entry in rows.items()]
    path.write_bytes(b"".join(sorted(kept + made)))
