"""Folds the flat entries of config rows: {"fields": {name: field}, "subs": {…}, "checks": {…}, …}.

A field is [default, type, bounds], less what goes without saying: the bounds when they are the row's, the type when it
is the one of the default (or when the field was gone before types were checked), the list when only the default is left
and is none. Default and type are {"@": [[value, bounds], …]} where they changed. Everything else is bare when it holds
in all releases of the row, what only strict classes have (types, checks, set, own) when in all of those from 5.4 on.
"""

from __future__ import annotations

import re
from typing import Any

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge.build.intervals import Rows

STRICT = VersionSet((50400,))
_GROUPS = {"s": "subs", "c": "checks"}
# Entries that only strict classes have.
_LATE = {"t", "c", "set", "own"}
_SELF = re.compile(r"self\.(\w+)")
# What the checks that all classes share look at.
_GENERAL = {
    "embed_dim", "head_dim", "layer_types", "max_position_embeddings", "mlp_layer_types", "num_heads",
    "num_hidden_layers", "original_max_position_embeddings", "rope_parameters", "vocab_size",
}  # fmt: skip


def pack_rows(rows: Rows) -> Rows:
    """The rows with config rows folded."""
    looked_at = {name for key, row in rows.items() if key[0] == "config" for name in _SELF.findall(str(row))} | _GENERAL
    return {key: _folded(row, looked_at) if key[0] == "config" else row for key, row in rows.items()}


def _folded(row: dict[str, Any], looked_at: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    whole = VersionSet.of(row["in"])
    for entry, value in row.items():
        prefix, mark, name = entry.partition(":")
        if prefix == "f":
            found.setdefault("fields", {})[name] = _field(value, row.get(f"t:{name}"), whole)
        elif prefix in _GROUPS:
            value = _bare(value, whole & STRICT) if prefix in _LATE else value
            found.setdefault(_GROUPS[prefix], {})[name] = value
        elif not mark:
            found[entry] = _bare(value, whole & STRICT) if entry in _LATE else value
    if "set" in found:
        found["set"] = _less(found["set"], looked_at)
        if not found["set"]:
            del found["set"]
    return found


def _field(default: Any, checked: Any, whole: VersionSet) -> Any:
    periods = _periods(default, whole)
    present = VersionSet(())
    for _, bounds in periods:
        present |= bounds
    constant = len(periods) == 1
    shown = periods[0][0] if constant else default
    late = present & STRICT
    text: Any = None
    if late:
        types = _periods(checked, late) if checked is not None else []
        text = types[0][0] if len(types) == 1 and types[0][1].bounds == late.bounds else checked if types else ""
        if text == _usual(periods[-1][0]):
            text = None
    parts = [shown, text, None if not constant or present.bounds == whole.bounds else _stored(present)]
    while len(parts) > 1 and parts[-1] is None:
        parts.pop()
    return parts if len(parts) > 1 or isinstance(shown, (list, dict)) else shown


def _usual(value: Any) -> str:
    """The type that goes without saying."""
    return type(value).__name__ if isinstance(value, (bool, int, float, str)) else "?"


def _periods(value: Any, otherwise: VersionSet) -> list[tuple[Any, VersionSet]]:
    if isinstance(value, dict) and "@" in value:
        return [(one, VersionSet.of(bounds)) for one, bounds in value["@"]]
    return [(value, otherwise)]


def _stored(releases: VersionSet) -> int | list[int]:
    return releases.bounds[0] if len(releases.bounds) == 1 else list(releases.bounds)


def _bare(value: Any, whole: VersionSet) -> Any:
    periods = _periods(value, whole)
    return periods[0][0] if len(periods) == 1 and periods[0][1].bounds == whole.bounds else value


def _less(value: Any, wanted: set[str]) -> Any:
    """The names of "set" that any check looks at; periods that become equal are joined."""
    if not isinstance(value, dict):
        return [name for name in value if name.rstrip("?") in wanted]
    joined: dict[str, tuple[Any, VersionSet]] = {}
    for names, bounds in _periods(value, VersionSet(())):
        kept = [name for name in names if name.rstrip("?") in wanted]
        if kept:
            known = joined.get(str(kept), (kept, VersionSet(())))[1]
            joined[str(kept)] = kept, known | bounds
    return {"@": [[names, _stored(releases)] for names, releases in joined.values()]} if joined else None
