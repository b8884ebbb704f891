"""A rule's metadata, as read from its rule.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Exactly one of `schema`, `constraints` and a check.py in `room` says when it fires.

    Attributes:
        code: three letters and three digits, never reused.
        name: the bad state in kebab-case.
        severity: what really happens when the libraries load it.
        status: "stable", or "preview" (only with --preview).
        since: the release of ckpt-doctor that brought it.
        summary: the bad state in one sentence.
        file: the file that findings are about unless a problem names another.
        model_types: only for these config.json model types; empty for all.
        needs: what the directory must have for the rule to apply: "file" (`file` itself), "config", "adapter",
            "llava", "weights", "base".
        message: for schema rules, the finding's message; {value} stands for the offending value.
        happens: what the user will see, and from which call; may be empty.
        why: the cause; may be empty.
        cure: what to do, for findings without a fix; may be empty.
        schema: a JSON Schema that a healthy `file` satisfies, or None.
        constraints: the kinds of version constraints that it is about, a finding for each that the environment breaks.
        by_edit: for constraints, that `cure` stands instead of a release to install: the file is what is wrong.
        after: kinds whose cure comes first: while one of them is broken, the rule is quiet.
        fix: for schema rules, {"title", "safety", "edits": [{"op", "pointer", "value"}]}, or None.
        options: defaults of the rule's own options.
        room: the folder it was read from.
    """

    code: str
    name: str
    severity: Severity
    status: Literal["stable", "preview"]
    since: str
    summary: str
    file: str
    room: Path
    model_types: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    message: str = ""
    happens: str = ""
    why: str = ""
    cure: str = ""
    schema: Mapping[str, Any] | None = None
    constraints: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    by_edit: bool = False
    fix: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
