"""What a repair did, for people and for programs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.render.clean import clean

MAX_DIFF_LINES = 60


def render_repair(
    target: str,
    applied: Sequence[Finding],
    refused: Sequence[tuple[Finding, str]],
    remaining: Sequence[Finding],
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    *,
    dry_run: bool,
    format_: str,
    color: bool = False,
) -> str:
    """The edits as a diff, what was taken back and why, and what is left to do by hand."""
    if format_ == "json":
        return _as_json(target, applied, refused, remaining, after, dry_run)
    lines: list[str] = []
    verb = "would fix" if dry_run else "fixed"
    for finding in applied:
        title = finding.fix.title if finding.fix else ""
        lines.append(f"{verb} {finding.code} {finding.name} in {clean(finding.file)}: {clean(title)}")
    for file in after:
        diff = _diff(file, before.get(file, b""), after[file])
        lines.extend(_painted(line) if color else line for line in diff)
    for finding, reason in refused:
        lines.append(f"not fixed {finding.code} {finding.name} in {clean(finding.file)}: {clean(reason)}")
    if not applied:
        unsafe = sum(finding.fix is not None and finding.fix.safety == "unsafe" for finding in remaining)
        lines.append("nothing to fix safely" + (f"; --unsafe cures {plural(unsafe, 'finding')}" if unsafe else ""))
    errors = [finding for finding in remaining if finding.severity == "error"]
    for finding in errors:
        more = f"see ckpt-doctor explain {finding.code}"
        cure = finding.fix.title if finding.fix else finding.evidence.get("cure", more)
        lines.append(f"left: error[{finding.code}] {clean(finding.message)}\n      cure: {clean(str(cure))}")
    lines.append(f"{clean(target)}: {verb} {plural(len(applied), 'finding')}, {plural(len(errors), 'error')} left")
    return "\n".join(lines)


def _diff(file: str, before: bytes, after: bytes) -> list[str]:
    old, new = (data.decode("utf-8", "backslashreplace").splitlines() for data in (before, after))
    lines = [clean(line) for line in difflib.unified_diff(old, new, f"a/{file}", f"b/{file}", n=1, lineterm="")]
    if len(lines) > MAX_DIFF_LINES:
        return [*lines[:MAX_DIFF_LINES], f"… {len(lines) - MAX_DIFF_LINES} more lines"]
    return lines


def _painted(line: str) -> str:
    style = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{style}m{line}\x1b[0m" if style else line


def _as_json(
    target: str,
    applied: Sequence[Finding],
    refused: Sequence[tuple[Finding, str]],
    remaining: Sequence[Finding],
    after: Mapping[str, bytes],
    dry_run: bool,
) -> str:
    def row(finding: Finding) -> dict[str, object]:
        return {
            "code": finding.code,
            "name": finding.name,
            "severity": finding.severity,
            "file": finding.file,
            "pointer": finding.pointer,
            "message": finding.message,
            "fingerprint": finding.fingerprint,
        }

    data = {
        "schema_version": 1,
        "target": target,
        "dry_run": dry_run,
        "applied": [{**row(finding), "title": finding.fix.title if finding.fix else ""} for finding in applied],
        "refused": [{**row(finding), "reason": reason} for finding, reason in refused],
        "remaining": [row(finding) for finding in remaining],
        "files": sorted(after),
    }
    return json.dumps(data, indent=2)
