"""The table out of all facts, and writing it so that a reader sees the old one or the new one, whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build import gates
from checkpoint_doctor.knowledge.build.intervals import Fact, Rows, merge
from checkpoint_doctor.knowledge.build.lock import Locked
from checkpoint_doctor.knowledge.build.readers import reader


def rows(facts: Mapping[tuple[str, str], Mapping[int, Iterable[Fact]]], entries: Iterable[Locked]) -> Rows:
    """All rows.

    Raises:
        UserError: two readers have a row for one name, or the gates refuse the table.
    """
    found = releases(entries)
    refused: list[str] = []
    for (package, name), by_release in sorted(facts.items()):
        refused += [f"{package}, {name}: {line}" for line in gates.notes(by_release.items())]
        refused += [f"{package}, {name}: {line}" for line in gates.drops(by_release)]
        own = merge(by_release)
        pack_rows = getattr(reader(name), "pack", None)
        if pack_rows is not None:
            own = pack_rows(own)
        twice = found.keys() & own.keys()
        if twice:
            raise UserError(f"the reader {name} has rows that another one has, too: {sorted(twice)[:3]}")
        found.update(own)
    refused += gates.anchors(found, {package for package, _ in facts})
    if refused:
        raise UserError("the table was not written:\n  " + "\n  ".join(refused[:30]), hint="see build/gates.py")
    return found


def releases(entries: Iterable[Locked]) -> Rows:
    """release `all`, packed and rising, and `yanked`, by package."""
    found: dict[str, dict[str, list[int]]] = {}
    for entry in entries:
        row = found.setdefault(entry.package, {"all": [], "yanked": []})
        row["all"].append(pack(entry.version))
        if entry.yanked:
            row["yanked"].append(pack(entry.version))
    result: dict[tuple[str, str], dict[str, Any]] = {}
    for package, row in found.items():
        result["release", package] = {key: sorted(values) for key, values in row.items()}
    return result


def write(path: Path, content: bytes) -> bool:
    """Replace a file at once; whether it changed."""
    if path.exists() and path.read_bytes() == content:
        return False
    part = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True
