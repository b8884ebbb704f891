"""The frozen, versioned JSON shape of a report (schema_version 1); fields are added, never changed or removed."""

from __future__ import annotations

import json
from typing import Any

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.fix import ABSENT, Edit, Fix
from checkpoint_doctor.core.report import Outcome, Report
from checkpoint_doctor.core.rule import SEVERITIES
from checkpoint_doctor.render.loads import environment_data, loads_data

# Relative to the project's page, wherever it is hosted.
PAGES = "rules/README.md"


def render_json(report: Report) -> str:
    """The report as one JSON document, ASCII only, so that no terminal is driven by a checkpoint's strings."""
    return json.dumps(as_data(report), indent=2, ensure_ascii=True, allow_nan=False, default=str)


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain dictionaries and lists."""
    return {
        "schema_version": 1,
        "tool": dict(report.versions),
        "target": report.target,
        "subject": report.subject,
        "loads_with": loads_data(report),
        "loads_through": report.loads_with.through or None,
        "loads_unseen": list(report.loads_with.unseen),
        "environment": environment_data(report),
        "findings": [_finding(finding) for finding in report.findings],
        "suppressed": [_finding(finding) for finding in report.suppressed],
        "skipped": [_outcome(outcome) for outcome in report.skipped],
        "crashed": [_outcome(outcome) for outcome in report.crashed],
        "summary": {severity: report.count(severity) for severity in SEVERITIES},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "file": finding.file,
        "pointer": finding.pointer,
        "line": finding.line,
        "message": finding.message,
        "fix": _fix(finding.fix),
        "evidence": finite(dict(finding.evidence)),
        "url": f"{PAGES}#{finding.code.lower()}",
        "fingerprint": finding.fingerprint,
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    data: dict[str, Any] = {"title": fix.title, "safety": fix.safety, "edits": [_edit(edit) for edit in fix.edits]}
    if fix.action is not None:
        data["action"] = {"name": fix.action.name, "arguments": dict(fix.action.arguments)}
    return data


def _edit(edit: Edit) -> dict[str, Any]:
    data: dict[str, Any] = {"op": edit.op, "file": edit.file, "pointer": edit.pointer}
    if edit.expect is not ABSENT:
        data["expect"] = finite(edit.expect)
    if edit.op != "remove":
        data["value"] = finite(edit.value)
    return data


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"code": outcome.code, "reason": outcome.reason}


def finite(value: Any) -> Any:
    """The value with NaN and infinity, which Python reads in JSON files but JSON does not have, as their names."""
    return json.loads(json.dumps(value, default=str), parse_constant=str)
