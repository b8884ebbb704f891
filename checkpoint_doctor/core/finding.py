"""What a rule yields (Problem) and what the engine makes of it (Finding)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkpoint_doctor.core.fix import Fix
from checkpoint_doctor.core.rule import Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """Where and why; all that a rule says. The engine adds the identity.

    Attributes:
        message: what is wrong, one line, with the concrete names and numbers.
        pointer: JSON pointer into the file, "" for the file as a whole.
        file: when it is not the rule's own file.
        fix: the cure, if there is one to propose.
        evidence: further facts, by name, JSON-able; "happens", "why" and "cure" replace the rule's own texts.
        line: 1-based, for what no pointer can reach in a file that is not valid; 0 for the line of the pointer.
    """

    message: str
    pointer: str = ""
    file: str | None = None
    fix: Fix | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its identity. `line` is 1-based, 0 when the file has no lines (or does not exist)."""

    code: str
    name: str
    severity: Severity
    file: str
    pointer: str
    line: int
    message: str
    fix: Fix | None
    evidence: Mapping[str, Any]
    fingerprint: str
