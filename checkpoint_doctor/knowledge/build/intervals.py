"""From what each release says to rows with the releases in which it holds: nothing is lost, no order matters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# (kind, name, values): one name that a release knows, and what it says about it. Values are JSON-able.
Fact = tuple[str, str, dict[str, Any]]
Key = tuple[str, str]
Rows = dict[Key, dict[str, Any]]
# Facts of this kind are no names: the readers' notes of what they could not make out, for the gates.
NOTE = "note"


def merge(facts: Mapping[int, Iterable[Fact]]) -> Rows:
    """Rows out of the facts of all releases of one package, by packed release.

    A row has "in", the bounds of the releases that know the name; every other entry is bare when it is the same in all
    of those, or else {"@": [[value, bounds], …]} in the order of the first bounds.

    Raises:
        ValueError: a release says two things about one name.
    """
    order = sorted(facts)
    place = {release: number for number, release in enumerate(order)}
    presence: dict[Key, list[int]] = {}
    values: dict[Key, dict[str, dict[str, list[int]]]] = {}
    for release in order:
        for kind, name, entries in facts[release]:
            if kind == NOTE:
                continue
            present = presence.setdefault((kind, name), [])
            if present and present[-1] == place[release]:
                raise ValueError(f"{release}: {kind} {name} twice")
            present.append(place[release])
            for entry, value in entries.items():
                over_time = values.setdefault((kind, name), {}).setdefault(entry, {})
                over_time.setdefault(dumped(value), []).append(place[release])
    rows: Rows = {}
    for key in sorted(presence):
        row: dict[str, Any] = {"in": bounds(presence[key], order)}
        for entry, over_time in sorted(values.get(key, {}).items()):
            periods = [[json.loads(text), bounds(places, order)] for text, places in over_time.items()]
            bare = len(periods) == 1 and periods[0][1] == row["in"]
            row[entry] = periods[0][0] if bare else {"@": periods}
        rows[key] = row
    return rows


def bounds(places: Sequence[int], order: Sequence[int]) -> int | list[int]:
    """The bounds of some releases, given by their rising places among all: first in, first out, …; one is bare."""
    found: list[int] = []
    for number, place in enumerate(places):
        if number == 0 or places[number - 1] != place - 1:
            found.append(order[place])
        if (number + 1 == len(places) or places[number + 1] != place + 1) and place + 1 < len(order):
            found.append(order[place + 1])
    return found[0] if len(found) == 1 else found


def dumped(value: Any) -> str:
    """A value as the table writes it: minified, with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def lines(rows: Rows) -> bytes:
    """The rows as the table's text, sorted bytewise."""
    return b"".join(sorted(f"{kind}\t{name}\t{dumped(row)}\n".encode() for (kind, name), row in rows.items()))
