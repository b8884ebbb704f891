"""The list of rules, for people and for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from checkpoint_doctor.core.rule import Rule

MIN_COLUMN = 40
BELOW = " " * 8


def render_rules(rules: Sequence[Rule], format_: str, *, width: int = 0) -> str:
    """A rule a line, wrapped at `width` if given; or a JSON list of {code, name, severity, status, since, summary}."""
    if format_ == "json":
        rows = [
            {
                "code": rule.code,
                "name": rule.name,
                "severity": rule.severity,
                "status": rule.status,
                "since": rule.since,
                "summary": rule.summary,
            }
            for rule in rules
        ]
        return json.dumps(rows, indent=2)
    longest = max(len(rule.name) for rule in rules)
    lines: list[str] = []
    for rule in rules:
        head = f"{rule.code}  {rule.severity:<7}  {rule.name:<{longest}}  "
        text = rule.summary + (" (preview)" if rule.status == "preview" else "")
        # Beside a narrow column a summary would be a tower of words: then it stands below.
        room = width - len(head)
        if width and room < MIN_COLUMN:
            lines += [head.rstrip(), *textwrap.wrap(text, width, initial_indent=BELOW, subsequent_indent=BELOW)]
        else:
            first, *rest = textwrap.wrap(text, room) if width else [text]
            lines += [head + first, *(" " * len(head) + part for part in rest)]
    return "\n".join(lines)
