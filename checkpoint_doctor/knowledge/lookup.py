"""Look up one name in data/kb.tsv; the file is read once, a look-up parses one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "data" / "kb.tsv"


@lru_cache(maxsize=1)
def _table() -> bytes:
    return b"\n" + TABLE.read_bytes()


@lru_cache(maxsize=256)
def find(kind: str, name: str) -> dict[str, Any] | None:
    """The row of a name, or None.

    Args:
        kind: "model_type" {config, in}, "architecture" {types, in}, "peft_type" {in}, "release" {in}.
        name: as the library spells it; anything with a tab or a line end is unknown.
    """
    if "\t" in name or "\n" in name:
        return None
    try:
        key = f"\n{kind}\t{name}\t".encode()
    except UnicodeEncodeError:
        return None
    start = _table().find(key)
    if start < 0:
        return None
    row = json.loads(_table()[start + len(key) :].split(b"\n", 1)[0])
    return row if isinstance(row, dict) else None


def names(kind: str) -> Iterator[str]:
    """All names of a kind, sorted, for did-you-mean."""
    prefix = f"{kind}\t".encode()
    for line in _table().split(b"\n"):
        if line.startswith(prefix):
            yield line.split(b"\t", 2)[1].decode()


def newest(package: str) -> str:
    """The newest release of a package that the table knows."""
    row = find("release", package)
    versions: list[str] = row["in"] if row else ["0"]
    return max(versions, key=release)


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing: "4.57.0.dev0" is (4, 57, 0)."""
    numbers: list[int] = []
    for part in version.split(".")[:4]:
        if not part.isascii() or not part.isdigit() or len(part) > 9:
            break
        numbers.append(int(part))
    return tuple(numbers)
