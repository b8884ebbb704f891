"""The contract of every rule, held against every case in fixtures/CODE/.

UPDATE_GOLDEN=1 pytest tests/test_rules.py rewrites expected.json and fixed/; read the diff.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.engine.loader import load_rules, rules_folder
from checkpoint_doctor.render.json_v1 import as_data
from checkpoint_doctor.render.rule_pages import render_table

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
RULES = load_rules()
CASES = sorted(path.parent for path in FIXTURES.glob("[A-Z][A-Z][A-Z][0-9][0-9][0-9]/*/given"))
HEADINGS = ["What it checks", "Why it matters", "How to fix", "Fix safety", "Seen in the wild"]


def by_id(value: Any) -> str:
    return value.code if hasattr(value, "code") else f"{value.parent.name}/{value.name}"


def settings(case: Path) -> dict[str, Any]:
    file = case / "case.json"
    return {"path": "given", "targets": [], **(json.loads(file.read_text()) if file.exists() else {})}


def findings(case: Path, code: str) -> list[Finding]:
    chosen = settings(case)
    environment = api.environment(targets=chosen["targets"], python=chosen.get("python"))
    report = api.check(chosen["path"], base=chosen.get("base"), choose=[code], environment=environment)
    assert not report.crashed, report.crashed
    return list(report.findings)


def as_golden(found: list[Finding]) -> list[dict[str, Any]]:
    """What a golden holds: the finding without the rule's own texts, which its page holds."""
    rows = as_data(api.Report("", "", tuple(found)))["findings"]
    rules = {rule.code: rule for rule in RULES}
    for row in rows:
        for key in ("url", "fingerprint", "name", "severity", "code"):
            del row[key]
        texts = rules[found[0].code]
        row["evidence"] = {k: v for k, v in row["evidence"].items() if v != getattr(texts, k, None) and k != "source"}
    return rows


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def golden(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2) + "\n"
    if UPDATE:
        path.write_text(text)
    assert path.exists(), f"no {path.name}; run with UPDATE_GOLDEN=1"
    assert json.loads(path.read_text()) == value


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_room(rule: Any) -> None:
    """Metadata, folder name, page and number of cases are as CONTRIBUTING says."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((rules_folder() / "rule.schema.json").read_text())
    data = json.loads((rule.room / "rule.json").read_text())
    jsonschema.validate(data, schema)
    assert rule.room.name == f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
    ways = (rule.schema is not None, bool(rule.constraints), (rule.room / "check.py").exists())
    assert sum(ways) == 1, "exactly one of schema, constraints and check.py"
    page = (rule.room / "README.md").read_text()
    assert page.startswith(f"# {rule.code} {rule.name}\n")
    wanted = [heading for heading in HEADINGS if heading != "Fix safety" or "## Fix safety" in page]
    assert re.findall(r"^## (.+)$", page, re.M) == wanted
    assert "https://" in page.split("## Seen in the wild")[1] or "from the source of" in page.lower()
    assert "TODO" not in page + json.dumps(data)
    names = [case.name for case in CASES if case.parent.name == rule.code]
    assert any(name.startswith("bad_") for name in names), "no bad case"
    assert any(name.startswith("good_") for name in names), "no good case"


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_case(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad case gives its golden findings, a good one none, and looking changes nothing."""
    monkeypatch.chdir(case)
    before = digest(case / "given")
    found = findings(case, case.parent.name)
    assert digest(case / "given") == before
    if case.name.startswith("good_"):
        assert not found, [finding.message for finding in found]
    else:
        assert found, "a bad case without a finding"
        assert all(finding.fix or finding.evidence.get("cure") for finding in found), "a finding without a cure"
        golden(case / "expected.json", as_golden(found))
        page = next(rule for rule in RULES if rule.code == case.parent.name).room / "README.md"
        assert ("## Fix safety" in page.read_text()) or not any(f.fix and f.fix.edits for f in found)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.startswith("bad_")], ids=by_id)
def test_fix(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its fixes the rule is quiet, a second run applies nothing, and the files are the golden ones."""
    code = case.parent.name
    monkeypatch.chdir(case)
    fixable = {f.fingerprint for f in findings(case, code) if f.fix and f.fix.edits and f.fix.safety != "display"}
    if not fixable:
        assert not (case / "fixed").exists()
        return
    copy = tmp_path / "case"
    shutil.copytree(case, copy, symlinks=True)
    monkeypatch.chdir(copy)
    chosen = settings(case)
    path, environment = chosen["path"], api.environment(targets=chosen["targets"], python=chosen.get("python"))
    before = digest(copy / "given")
    done = api.repair(path, unsafe=True, choose=[code], environment=environment)
    assert not done.refused, [reason for _, reason in done.refused]
    assert {finding.fingerprint for finding in done.applied} == fixable
    assert not fixable & {finding.fingerprint for finding in findings(copy, code)}
    assert not api.repair(path, unsafe=True, choose=[code], environment=environment).applied
    changed = [name for name, sum_ in digest(copy / "given").items() if before.get(name) != sum_]
    if UPDATE:
        shutil.rmtree(case / "fixed", ignore_errors=True)
        for name in changed:
            (case / "fixed" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(copy / "given" / name, case / "fixed" / name)
    assert digest(case / "fixed") == {name: digest(copy / "given")[name] for name in changed}


def test_every_case_has_a_rule() -> None:
    assert {case.parent.name for case in CASES} <= {rule.code for rule in RULES}


def test_retired_codes_stay_retired() -> None:
    retired = json.loads((rules_folder() / "retired.json").read_text())
    assert not set(retired) & {rule.code for rule in RULES}


def test_table_is_current() -> None:
    path = rules_folder() / "README.md"
    table = render_table(RULES, rules_folder())
    if UPDATE:
        path.write_text(table)
    assert path.read_text() == table
