"""Decide which fixes to apply: each one is tried in memory and kept only when the rules agree that it helped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.rule import Rule
from checkpoint_doctor.engine.run import run
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.repair.apply import StaleEdit, apply_edits
from checkpoint_doctor.sdk import Checkpoint

# Every accepted fix silences a finding; the bound is for fixes that would make room for each other for ever.
MAX_FIXES = 200


@dataclass(frozen=True, slots=True)
class Repair:
    """The planned repair of one directory; nothing has been written.

    Attributes:
        applied: findings that their own fix silences, in the order of application.
        refused: findings whose fix was tried and taken back, with the reason.
        remaining: findings after the repair.
        before: file name to bytes as they are now, b"" for a new file.
        after: file name to bytes as planned, for the files that change.
    """

    applied: tuple[Finding, ...]
    refused: tuple[tuple[Finding, str], ...]
    remaining: tuple[Finding, ...]
    before: dict[str, bytes]
    after: dict[str, bytes]


def plan_repair(ckpt: Checkpoint, rules: Sequence[Rule], *, unsafe: bool = False) -> Repair:
    """Try the fixes one after the other; a fix that leaves its finding, or raises a new error, is taken back."""
    original = ckpt
    allowed = ("safe", "unsafe") if unsafe else ("safe",)
    applied: list[Finding] = []
    refused: dict[str, tuple[Finding, str]] = {}
    changed: dict[str, None] = {}
    current = run(rules, ckpt).findings
    while len(applied) < MAX_FIXES:
        finding = next((f for f in current if _wanted(f, allowed) and f.fingerprint not in refused), None)
        if finding is None or finding.fix is None:
            break
        try:
            candidate = apply_edits(ckpt, finding.fix.edits)
        except (StaleEdit, FactUnavailable) as problem:
            refused[finding.fingerprint] = (finding, str(problem))
            continue
        found = run(rules, candidate).findings
        if reason := _objection(finding, current, found):
            refused[finding.fingerprint] = (finding, reason)
            continue
        applied.append(finding)
        changed.update(dict.fromkeys(edit.file for edit in finding.fix.edits))
        ckpt, current = candidate, found
    before = {file: original.data(file) if original.has(file) else b"" for file in changed}
    after = {file: ckpt.data(file) for file in changed}
    return Repair(tuple(applied), tuple(refused.values()), tuple(current), before, after)


def _wanted(finding: Finding, allowed: tuple[str, ...]) -> bool:
    return finding.fix is not None and bool(finding.fix.edits) and finding.fix.safety in allowed


def _objection(finding: Finding, before: Sequence[Finding], after: Sequence[Finding]) -> str:
    if any(other.fingerprint == finding.fingerprint for other in after):
        return "the finding was still there after the edit"
    known = {other.fingerprint for other in before}
    for other in after:
        # An error that only becomes visible because the file can be read now is no fault of the edit.
        if other.severity == "error" and other.fingerprint not in known and not finding.code.startswith("FMT"):
            return f"the edit would raise {other.code} {other.name}"
    return ""
