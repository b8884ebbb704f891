"""Sets of releases as half-open intervals on packed integers: exact, small, and compared without a library.

A release is `major * 10000 + minor * 100 + patch`, so 45703 is 4.57.3; a fourth number, ".post1", ".dev0" and "rc3" do
not count. Half-open bounds stay true when a new release appears: "last seen in 4.57.6" would be stale with 4.57.7,
"gone at 5.0.0" is not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_NUMBERS = re.compile(r"\s*v?(\d{1,5})(?:\.(\d{1,5}))?(?:\.(\d{1,5}))?", re.ASCII)
_PART = 100  # Two digits each for minor and patch; larger numbers, which no release of these packages has, are cut.


def pack(version: str) -> int:
    """The packed integer of a version: "4.57" and "4.57.0.dev0" are 45700.

    Raises:
        ValueError: it does not start with a number.
    """
    match = _NUMBERS.match(version)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    major, minor, patch = (int(part or 0) for part in match.groups())
    return (major * _PART + min(minor, _PART - 1)) * _PART + min(patch, _PART - 1)


def dotted(release: int) -> str:
    """45703 as "4.57.3"."""
    return f"{release // _PART**2}.{release // _PART % _PART}.{release % _PART}"


@dataclass(frozen=True, slots=True)
class VersionSet:
    """A set of releases.

    Attributes:
        bounds: strictly rising packed releases: first in, first out, first in again …; an odd count is open-ended.
    """

    bounds: tuple[int, ...]

    @classmethod
    def of(cls, stored: int | Iterable[int]) -> VersionSet:
        """From the knowledge table's form: a bare integer is "from here on"."""
        return cls((stored,) if isinstance(stored, int) else tuple(stored))

    @classmethod
    def only(cls, release: int) -> VersionSet:
        """One release."""
        return cls((release, release + 1))

    def __contains__(self, release: int) -> bool:
        return bisect_right(self.bounds, release) % 2 == 1

    def __bool__(self) -> bool:
        return bool(self.bounds)

    def __and__(self, other: VersionSet) -> VersionSet:
        return self._combine(other, lambda a, b: a and b)

    def __or__(self, other: VersionSet) -> VersionSet:
        return self._combine(other, lambda a, b: a or b)

    def __sub__(self, other: VersionSet) -> VersionSet:
        return self._combine(other, lambda a, b: a and not b)

    def _combine(self, other: VersionSet, rule: Callable[[bool, bool], bool]) -> VersionSet:
        bounds: list[int] = []
        inside = False
        for bound in sorted({*self.bounds, *other.bounds}):
            if rule(bound in self, bound in other) != inside:
                bounds.append(bound)
                inside = not inside
        return VersionSet(tuple(bounds))

    def among(self, releases: Iterable[int]) -> tuple[int, ...]:
        """Those of some releases that are in the set, in the same order."""
        return tuple(release for release in releases if release in self)

    def pairs(self) -> list[list[str | None]]:
        """[[first, first without or None], …] of dotted versions: the public form."""
        ends: list[str | None] = [dotted(bound) for bound in self.bounds]
        if len(ends) % 2:
            ends.append(None)
        return [ends[i : i + 2] for i in range(0, len(ends), 2)]

    def __str__(self) -> str:
        """As pip writes it, ">=4.57.0,<5.6.0"; gaps as " or "; "any" and "none" for the two extremes."""
        if not self.bounds:
            return "none"
        texts = []
        for first, without in self.pairs():
            assert first is not None
            if without is not None and pack(without) == pack(first) + 1:
                texts.append(f"=={first}")
                continue
            low = "" if pack(first) == 0 else f">={first}"
            texts.append(",".join(part for part in (low, f"<{without}" if without else "") if part) or "any")
        return " or ".join(texts)


ANY = VersionSet((0,))
NONE = VersionSet(())
_CLAUSE = re.compile(r"\s*(===|==|!=|~=|>=|<=|>|<)?\s*v?(\d[^\s,;]*)\s*", re.ASCII)


def parse_spec(text: str) -> VersionSet:
    """The releases that a specifier such as ">=4.40,<5", "==4.46.*", "~=4.57.1" or a bare "4.46.3" allows; "" is any.

    Raises:
        ValueError: it is no specifier.
    """
    allowed = ANY
    for clause in filter(None, (part.strip() for part in text.strip().strip("()").split(","))):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise ValueError(f"{text!r} is no version or version range")
        allowed &= _clause(match[1] or "==", match[2])
    return allowed


def _clause(operator: str, version: str) -> VersionSet:
    release, wild = pack(version), version.endswith(".*")
    numbers = version.removesuffix(".*").count(".") + 1
    if operator in (">=", ">"):
        return VersionSet((release + (operator == ">"),))
    if operator in ("<", "<="):
        end = release + (operator == "<=")
        return VersionSet((0, end)) if end else NONE
    if operator == "~=":
        return VersionSet((release, _next(release, numbers - 1)))
    same = VersionSet((release, _next(release, numbers))) if wild else VersionSet.only(release)
    return ANY - same if operator == "!=" else same


def _next(release: int, numbers: int) -> int:
    """The first release that differs in its first 1, 2 or 3 numbers."""
    unit = (1, _PART**2, _PART, 1)[max(1, min(numbers, 3))]
    return (release // unit + 1) * unit
