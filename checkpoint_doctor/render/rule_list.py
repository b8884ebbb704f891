"""The list of rules, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from checkpoint_doctor.core.rule import Rule


def render_rules(rules: Sequence[Rule], format_: str) -> str:
    """One line a rule, or a JSON list of {code, name, severity, status, since, summary, has_fix}."""
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
    width = max(len(rule.name) for rule in rules)
    return "\n".join(f"{rule.code}  {rule.severity:<7}  {rule.name:<{width}}  {rule.summary}" for rule in rules)
