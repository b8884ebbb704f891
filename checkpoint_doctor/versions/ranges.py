"""Ranges held against the releases that were really made: reasons that none meets together, and how to name some."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from checkpoint_doctor.core.loads import Constraint, Range
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.knowledge import lookup

# Constraints that are held against each other; a directory has some ten.
MAX_CONSTRAINTS = 60


def colliding(found: Range) -> tuple[Constraint, ...]:
    """The two constraints of a package that exclude each other, or all of them when it takes more than two.

    () when some release meets all, and when a single constraint leaves none, which is its own rule's matter. An open
    end counts as a release, for there may be newer ones than we know.
    """
    narrow = [one for one in found.constraints if one.outcome != "differs"][:MAX_CONSTRAINTS]
    if _made(found.package, found.allowed) or any(not _made(found.package, one.allowed) for one in narrow):
        return ()
    for one, other in combinations(narrow, 2):
        if not _made(found.package, one.allowed & other.allowed):
            return one, other
    return tuple(narrow)


def _made(package: str, releases: VersionSet) -> bool:
    """Whether any of these releases exists, or may come."""
    known = lookup.releases(package)
    if len(releases.bounds) % 2 or not known:
        return bool(releases)
    return bool(releases.among(known))


def span(package: str, releases: Iterable[int], limit: int = 3) -> str:
    """Releases in words: "4.40.0 to 4.56.2 and 5.10.0"; runs are those without a known release between."""
    wanted = set(releases)
    runs: list[list[int]] = []
    for release in sorted({*lookup.releases(package), *wanted}):
        if release not in wanted:
            runs.append([])
        elif runs and runs[-1]:
            runs[-1].append(release)
        else:
            runs.append([release])
    texts = [dotted(run[0]) + (f" to {dotted(run[-1])}" if len(run) > 1 else "") for run in runs if run]
    if len(texts) > limit:
        texts[limit:] = [f"{len(texts) - limit} more"]
    return ", ".join(texts[:-1]) + (" and " if len(texts) > 1 else "") + texts[-1] if texts else "none"
