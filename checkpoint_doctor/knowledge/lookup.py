"""Look up names in data/kb.tsv (generated) and data/overrides.tsv (by hand): mapped, bisected, one line parsed each.

A row is `kind<TAB>name<TAB>JSON`, sorted bytewise; overrides.tsv has two more columns, the reason and a link, and its
keys win. A value that changed over time is `{"@": [[value, bounds], …]}`; bounds are those of core.versions.VersionSet.
"""

from __future__ import annotations

import json
import mmap
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from checkpoint_doctor.core.versions import VersionSet, dotted, pack

DATA = Path(__file__).parent / "data"
TABLE = DATA / "kb.tsv"
OVERRIDES = DATA / "overrides.tsv"


class _Lines:
    """The byte positions of a file, seen as a sorted sequence of the lines they lie in."""

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self.data)

    def start(self, position: int) -> int:
        """Where the line that holds this byte begins."""
        return self.data.rfind(b"\n", 0, position) + 1

    def __getitem__(self, position: int) -> bytes:
        return self.line(self.start(position))

    def line(self, start: int) -> bytes:
        """The line that begins here, without its end."""
        end = self.data.find(b"\n", start)
        return self.data[start : end if end >= 0 else len(self.data)]

    def matching(self, prefix: bytes) -> Iterator[bytes]:
        """All lines that begin so, in order."""
        position = bisect_left(self, prefix)
        start = self.start(position) if position < len(self) else len(self)
        while start < len(self):
            line = self.line(start)
            if not line.startswith(prefix):
                return
            yield line
            start += len(line) + 1


@lru_cache(maxsize=1)
def _generated() -> _Lines:
    return _Lines(TABLE)


@lru_cache(maxsize=1)
def _by_hand() -> _Lines:
    return _Lines(OVERRIDES)


@lru_cache(maxsize=512)
def find(kind: str, name: str) -> dict[str, Any] | None:
    """The row of a name, or None.

    Args:
        kind: see knowledge.kinds for what each one holds; every row has "in", the releases that know the name.
        name: as the library spells it; anything with a tab or a line end is unknown.
    """
    if "\t" in name or "\n" in name:
        return None
    try:
        key = f"{kind}\t{name}\t".encode()
    except UnicodeEncodeError:
        return None
    rows = [json.loads(line.split(b"\t", 3)[2]) for table in (_generated(), _by_hand()) for line in table.matching(key)]
    return {key: value for row in rows for key, value in row.items()} if rows else None


def names(kind: str) -> Iterator[str]:
    """All names of a kind, sorted, for did-you-mean; a name with a row in both files comes twice."""
    prefix = f"{kind}\t".encode()
    for table in (_generated(), _by_hand()):
        for line in table.matching(prefix):
            yield line.split(b"\t", 2)[1].decode()


def by_hand(kind: str, name: str) -> tuple[str, str]:
    """The reason and the link of what overrides.tsv says about a name, two empty texts when it says nothing."""
    for line in _by_hand().matching(f"{kind}\t{name}\t".encode("utf-8", "replace")):
        parts = line.decode().split("\t")
        return parts[3], parts[4]
    return "", ""


def rows(kind: str, holding: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All names of a kind with their rows, sorted; only those whose generated row has this text somewhere in it."""
    text = holding.encode("utf-8", "replace")
    for line in _generated().matching(f"{kind}\t".encode()):
        if text in line and (row := find(kind, name := line.split(b"\t", 2)[1].decode())) is not None:
            yield name, row


def since(kind: str, name: str) -> VersionSet | None:
    """The releases that know a name, None when none ever did."""
    row = find(kind, name)
    return VersionSet.of(row["in"]) if row and "in" in row else None


def knows(kind: str, name: str) -> bool:
    """Whether the newest release that the table has knows a name."""
    known = since(kind, name)
    return known is not None and len(known.bounds) % 2 == 1


def last(kind: str, name: str) -> str:
    """The newest release that knows a name, "" when none does."""
    row, known = find(kind, name), since(kind, name)
    if row is None or known is None:
        return ""
    from checkpoint_doctor.knowledge.kinds import KINDS

    return dotted(max(known.among(releases(KINDS[kind].package)), default=0))


def at(value: Any, release: int) -> Any:
    """What a value of a row was in a release; None when it had none."""
    for one, bounds in over_time(value):
        if bounds is None or release in bounds:
            return one
    return None


def over_time(value: Any) -> list[tuple[Any, VersionSet | None]]:
    """The values that a row's entry took, each with its releases; None for one that never changed."""
    if isinstance(value, dict) and "@" in value:
        return [(one, VersionSet.of(bounds)) for one, bounds in value["@"]]
    return [(value, None)]


@lru_cache(maxsize=16)
def releases(package: str) -> tuple[int, ...]:
    """All releases of a package that the table was made from, packed, oldest first; yanked ones too."""
    row = find("release", package)
    return tuple(row["all"]) if row else ()


def newest(package: str) -> str:
    """The newest release of a package that the table knows, "0.0.0" when it knows none."""
    return dotted(max(releases(package), default=0))


def release(version: str) -> int:
    """A version for comparing, packed; 0 for what is none, which is older than everything."""
    try:
        return pack(version[:100])
    except ValueError:
        return 0
