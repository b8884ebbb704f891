"""data/kb.lock: which files the table was made from, one `package==version file sha256` a line, sorted.

A fourth word "yanked" marks a withdrawn release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from checkpoint_doctor.errors import UserError


@dataclass(frozen=True, slots=True, order=True)
class Locked:
    """One release and the file that was read for it."""

    package: str
    version: str
    file: str
    sha256: str
    yanked: bool = False

    def line(self) -> str:
        """As it stands in the lock."""
        return f"{self.package}=={self.version} {self.file} {self.sha256}{' yanked' * self.yanked}\n"


Key = tuple[str, str]


def read(path: Path) -> dict[Key, Locked]:
    """The lock by (package, version); {} when there is none yet.

    Raises:
        UserError: a line is not of that form.
    """
    found: dict[Key, Locked] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split(" ")
            package, _, version = words[0].partition("==")
            if len(words) not in (3, 4) or not version:
                raise UserError(f"{path}: {line[:80]!r} is no line of a lock")
            found[package, version] = Locked(package, version, words[1], words[2], words[3:] == ["yanked"])
    return found


def text(entries: Iterable[Locked]) -> str:
    """The lock's text."""
    return "".join(sorted(entry.line() for entry in entries))


def checked(package: str, version: str, wheel: Path, known: dict[Key, Locked], yanked: bool) -> Locked:
    """The entry of a wheel.

    Raises:
        UserError: the lock says another hash for this release.
    """
    digest = hashlib.sha256()
    with open(wheel, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    entry = Locked(package, version, wheel.name, digest.hexdigest(), yanked)
    before = known.get((package, version))
    if before is not None and before.sha256 != entry.sha256:
        raise UserError(
            f"{wheel.name} is not the file that the table was made from: {entry.sha256} instead of {before.sha256}",
            hint="delete it and refresh again; if the index itself changed, find out why before you edit kb.lock",
        )
    return entry
