"""rules/README.md: the generated table of all rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from checkpoint_doctor.core.rule import Rule

_HEAD = """# The rules

Generated from every room's rule.json by `UPDATE_GOLDEN=1 pytest tests/test_rules.py`; do not edit. A code is never
reused. Severity says what really happens: **error** it does not load, or loads wrong; **warning** it loads, but
somebody will be surprised; **info** worth knowing.
"""


def render_table(rules: Sequence[Rule], folder: Path) -> str:
    """The page: one section an area, one row a rule, each with an anchor by code."""
    lines = [_HEAD]
    area = ""
    for rule in sorted(rules, key=lambda rule: (rule.room.parent.name, rule.code)):
        room = rule.room.relative_to(folder).as_posix()
        if rule.room.parent.name != area:
            area = rule.room.parent.name
            lines.append(f"\n## {area}\n\n| code | severity | name | what is wrong |\n|---|---|---|---|\n")
        anchor = f'<a id="{rule.code.lower()}"></a>[{rule.code}]({room}/README.md)'
        lines.append(f"| {anchor} | {rule.severity} | {rule.name} | {rule.summary} |\n")
    return "".join(lines)
