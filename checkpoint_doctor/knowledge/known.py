"""Everything that the table says about a name: over all kinds, and fields of configuration classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.known import Known
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.knowledge.kinds import KINDS

# Kinds with fields to what a field of theirs is called, and to whose they are.
FIELDS = {"config": "config_field", "peft_config": "peft_field", "quantization": "quantization_field"}
PACKAGES = {"config": "transformers", "peft_config": "peft", "quantization": "transformers"}
TITLES = {
    "config_field": "field of a configuration class",
    "peft_field": "field of an adapter configuration",
    "quantization_field": "field of a quantisation method",
}
# What most people mean by a name stands first.
FIRST = ("model_type", "architecture", "peft_type", "config", "quantization", "tokenizer")
# Entries that are releases, packed.
PACKED = {("safetensors_dtype", "header")}
MAX_NAME = 200


def known(name: str, kind: str | None = None) -> list[Known]:
    """All that is known by a name, as it is spelled; else by the same letters in upper or lower case, with - or _.

    Args:
        name: a model type, class, adapter method, quantisation method, "transformers:tokenizers" …; a field of a
            configuration class, with or without the class: "corda_config", "LoraConfig.corda_config".
        kind: only of this kind.

    Raises:
        UserError: there is no such kind or no such name; the hint names the nearest.
    """
    kinds = [*KINDS, *TITLES]
    if kind is not None and kind not in kinds:
        raise UserError(f"there is no kind {kind!r}", f"known are {', '.join(sorted(kinds))}")
    name = name.strip()[:MAX_NAME]
    found = list(_exactly(name, kind))
    if not found:
        same = dict.fromkeys(other for other in _names(kind) if _plain(other) == _plain(name))
        found = [one for other in same for one in _exactly(other, kind)]
    if not found:
        raise UserError(
            f"nothing is known by the name {name!r}" + (f" of kind {kind}" if kind else ""), _near(name, kind)
        )
    return found


def _exactly(name: str, kind: str | None) -> Iterator[Known]:
    for one in sorted(KINDS, key=lambda one: (FIRST.index(one) if one in FIRST else len(FIRST), one)):
        if kind in (None, one) and (row := lookup.find(one, name)) is not None:
            yield _row(one, name, row)
    for one, field_kind in FIELDS.items():
        if kind in (None, field_kind):
            yield from _fields(one, field_kind, name)


def _row(kind: str, name: str, row: dict[str, Any]) -> Known:
    package = KINDS[kind].package or (name.partition(":")[0] if kind in ("pin", "release") else "")
    releases = VersionSet.of(row["in"]) if "in" in row else None
    values = {key: tuple(lookup.over_time(value)) for key, value in sorted(row.items()) if key != "in"}
    if kind == "release":
        values = {key: (([dotted(one) for one in row[key]], None),) for key in ("all", "yanked")}
    elif isinstance(row.get("fields"), dict):
        values["fields"] = ((sorted(row["fields"]), None),)
    for key, over_time in values.items():
        if (kind, key) in PACKED:
            values[key] = tuple((dotted(one) if type(one) is int else one, when) for one, when in over_time)
        else:
            values[key] = tuple((_public(one), when) for one, when in over_time)
    return Known(kind, KINDS[kind].title, name, package, releases, values, *lookup.by_hand(kind, name))


def _public(value: Any) -> Any:
    """A value without the table's own way of writing what changed over time."""
    if isinstance(value, dict) and "@" in value:
        return {
            "over_time": [{"value": _public(one), "in": VersionSet.of(bounds).pairs()} for one, bounds in value["@"]]
        }
    if isinstance(value, dict):
        return {key: _public(inner) for key, inner in value.items()}
    return value


def _fields(kind: str, field_kind: str, name: str) -> Iterator[Known]:
    """The field of one class, or of every class that declares it itself."""
    cls, _, field = name.rpartition(".")
    if not field:
        return
    rows = lookup.rows(kind, f'"{field}"') if not cls else [(cls, lookup.find(kind, cls))]
    for owner, row in rows:
        over_time = _timeline(kind, owner, field, row) if row is not None else []
        if over_time:
            releases = VersionSet(())
            for _, when in over_time:
                releases |= when
            known_as = f"{owner}.{field}"
            yield Known(
                field_kind, TITLES[field_kind], known_as, PACKAGES[kind], releases, {"default": tuple(over_time)}
            )


def _timeline(kind: str, cls: str, field: str, row: dict[str, Any]) -> list[tuple[Any, VersionSet]]:
    """The defaults of a field, each with its releases."""
    if kind == "config":
        from checkpoint_doctor.knowledge import configs

        return configs.timeline(cls, field)
    fields = row.get("fields") if kind == "quantization" else row
    if not isinstance(fields, dict) or field not in fields or field == "in":
        return []
    whole = VersionSet.of(row["in"])
    return [(value, whole if when is None else when) for value, when in lookup.over_time(fields[field])]


def _names(kind: str | None) -> Iterator[str]:
    """All names, those of fields without their classes."""
    for one in KINDS:
        if kind in (None, one):
            yield from lookup.names(one)
    for one, field_kind in FIELDS.items():
        if kind in (None, field_kind):
            for _, row in lookup.rows(one):
                yield from row["fields"] if isinstance(row.get("fields"), dict) else (key for key in row if key != "in")


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")


def _near(name: str, kind: str | None) -> str:
    from difflib import get_close_matches

    plain: dict[str, str] = {}
    for other in _names(kind):
        plain.setdefault(_plain(other), other)
    close = [plain[one] for one in get_close_matches(_plain(name), plain, n=3, cutoff=0.7)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return "give a name as a library spells it: qwen3_vl, LlamaForCausalLM, corda_config"
