"""Which releases load a directory: single reasons, and what an environment has.

Named tuples, because every check imports this: a frozen dataclass takes eight times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from checkpoint_doctor.core.fix import Fix
from checkpoint_doctor.core.versions import ANY, VersionSet

_NOTHING: Mapping[str, Any] = MappingProxyType({})
Outcome = Literal["fails", "wrong", "differs"]
Verdict = Literal["loads", "partly", "fails", "wrong", "unknown"]


class Constraint(NamedTuple):
    """One reason why only some releases of a package load a directory.

    Attributes:
        package: the distribution, for example "transformers".
        allowed: the releases that this reason allows.
        kind: what it is about, in kebab-case, for example "model-type"; the rules of version trouble choose by it.
        reason: one line with the user's own names, for example `model_type "qwen3_vl" came with 4.57.0`.
        file: where it was read.
        pointer: JSON pointer into the file.
        outcome: what a release outside does: it "fails", gives a "wrong" model or tokens in silence, or "differs" in
            something a person would notice but which loads; only the first two narrow `loads_with`.
        happens: what the user sees with a release outside, when that can be said; "{have}" is their release.
        fix: an edit that makes the directory load outside, too, when there is one.
        detail: further facts by name, JSON-able.
        cure: what helps where no release does.
        line: 1-based, of the pointer, when that was asked for; 0 otherwise.
    """

    package: str
    allowed: VersionSet
    kind: str
    reason: str
    file: str
    pointer: str = ""
    outcome: Outcome = "fails"
    happens: str = ""
    fix: Fix | None = None
    detail: Mapping[str, Any] = _NOTHING
    line: int = 0
    cure: str = ""


class Range(NamedTuple):
    """The releases of one package that load a directory, and why.

    Attributes:
        allowed: the intersection of the constraints.
        constraints: as found, those that narrow first.
    """

    package: str
    allowed: VersionSet
    constraints: tuple[Constraint, ...] = ()

    def collision(self) -> tuple[Constraint, Constraint] | None:
        """Two constraints that no release meets together, when the range is empty; None when it takes more than two."""
        narrow = [c for c in self.constraints if c.outcome != "differs"]
        for number, one in enumerate(narrow):
            for other in narrow[:number]:
                if not one.allowed & other.allowed:
                    return other, one
        return None


class Loads(NamedTuple):
    """What loads a directory.

    Attributes:
        ranges: by package, transformers first.
        unseen: why something could not be looked at; then the ranges may be too wide.
        through: what reads the model type when transformers never did, as "loads through …" goes on; then the ranges
            say what the other files need. "" for transformers itself and where it is not known.
    """

    ranges: Mapping[str, Range] = _NOTHING
    unseen: tuple[str, ...] = ()
    through: str = ""


class Installed(NamedTuple):
    """What an environment has of one package.

    Attributes:
        releases: one release, or a range out of a requirements file.
        text: as it is written there, for example "4.51.3" or ">=4.40,<5".
        newer: it is newer than the knowledge table, a development build or a fork: nothing is said against it.
    """

    releases: VersionSet
    text: str
    newer: bool = False


class Environment(NamedTuple):
    """The packages that a directory is judged against.

    Attributes:
        packages: distribution name, normalised, to what is there.
        source: where that was read, for people: "installed here", "--target", "requirements.txt"; "assumed" when
            nothing is installed and the newest releases that we know stand in.
        notes: what could not be taken from there, for people.
        options: the words of a command line that name it, () for the default.
    """

    packages: Mapping[str, Installed] = _NOTHING
    source: str = "assumed"
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def assumed(self) -> bool:
        """Whether nobody has said or installed anything."""
        return self.source == "assumed"


def verdict(found: Range, have: Installed | None) -> Verdict:
    """What the releases that somebody has do: load, load "partly" when they are a range, "fail", or load "wrong".

    "unknown" for a package that is not there and for releases that are newer than the table.
    """
    if have is None or have.newer:
        return "unknown"
    if have.releases & found.allowed:
        return "partly" if have.releases - found.allowed else "loads"
    broken = {c.outcome for c in found.constraints if c.outcome != "differs" and not c.allowed & have.releases}
    return "wrong" if broken == {"wrong"} else "fails"


def intersection(constraints: tuple[Constraint, ...]) -> VersionSet:
    """The releases that all constraints allow; those that only make a difference do not count."""
    allowed = ANY
    for constraint in constraints:
        if constraint.outcome != "differs":
            allowed &= constraint.allowed
    return allowed
