"""Rules that are a JSON Schema: each violation becomes a problem at its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.finding import Problem
from checkpoint_doctor.core.fix import ABSENT, Edit, Fix
from checkpoint_doctor.core.rule import Rule
from checkpoint_doctor.engine.fast_schema import satisfied
from checkpoint_doctor.sdk import Checkpoint, pointer, printable


def schema_problems(rule: Rule, ckpt: Checkpoint) -> Iterator[Problem]:
    """Validate the rule's file against its schema; jsonschema is imported only when something may be wrong."""
    value = ckpt.json(rule.file)
    if satisfied(rule.schema, value):
        return
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(dict(rule.schema or {})).iter_errors(value):
        place = pointer(*error.absolute_path)
        yield Problem(_message(rule, error.instance), place, fix=_fix(rule.fix, rule.file, place, value))


def _message(rule: Rule, value: Any) -> str:
    shown = printable(json.dumps(value, ensure_ascii=False)) if not isinstance(value, (dict, list)) else "…"
    return rule.message.replace("{value}", shown)


def _fix(data: Mapping[str, Any] | None, file: str, place: str, value: Any) -> Fix | None:
    """Build the fix from rule.json; an edit's pointer "" means the place of the violation."""
    if data is None:
        return None
    edits = []
    for edit in data.get("edits", ()):
        where = edit["pointer"] or place
        edits.append(Edit(edit["op"], file, where, _current(value, where, edit["op"]), edit.get("value")))
    return Fix(data["title"], data["safety"], tuple(edits))


def _current(value: Any, place: str, op: str) -> Any:
    if op == "add":
        return ABSENT
    for token in place.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value
