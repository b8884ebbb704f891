"""A proposed change, as data: small JSON edits, or the name of a heavy job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Safety = Literal["safe", "unsafe", "display"]
Op = Literal["set", "add", "remove", "rename", "splice"]


class Absent:
    """The value of `Edit.expect` when nothing must be there; a class of its own because null is a JSON value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one file: RFC 6902 with its test folded in, so that a stale edit is refused.

    Attributes:
        op: "set" replaces a value, "add" makes a new key (or appends with "/-"), "remove" deletes, "rename" changes a
            key's name to `value`; "splice" replaces text and is meant for what no JSON pointer can reach (a byte order
            mark, a trailing comma).
        file: relative to the checkpoint's root.
        pointer: a JSON pointer (RFC 6901); for "splice" a byte range "BEGIN:END".
        expect: the value that must stand there now; ABSENT for "add"; for "splice" the text that is replaced.
        value: the new value; the new key for "rename"; the new text for "splice"; ignored for "remove".
    """

    op: Op
    file: str
    pointer: str
    expect: Any = ABSENT
    value: Any = None


@dataclass(frozen=True, slots=True)
class Action:
    """A heavy job as data, never a callable: what to run and with which arguments."""

    name: Literal["merge", "copy"]
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """What cures a finding.

    Attributes:
        title: the cure in one line; for a heavy job the exact command.
        safety: "safe" is applied by `fix`, "unsafe" only with consent, "display" is shown and never applied.
        edits: changes to JSON or text files, all or nothing.
        action: a heavy job, or None.
    """

    title: str
    safety: Safety
    edits: tuple[Edit, ...] = ()
    action: Action | None = None
