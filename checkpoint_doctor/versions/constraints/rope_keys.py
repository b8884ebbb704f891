"""Rope parameters that lack a number which their type needs: refused when the configuration is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import NONE, VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.config import rope
from checkpoint_doctor.knowledge.configs import ROOTS
from checkpoint_doctor.knowledge.lookup import find, over_time
from checkpoint_doctor.versions.strict import Fault, Part, left, parts_of

NEW_FORM = VersionSet((50000,))
# What 5.x puts in itself: the base from the class, the length from max_position_embeddings.
FILLED = {"rope_type", "rope_theta"}
LONG = {"llama3", "yarn", "longrope"}


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "rope-keys", for flat objects of types that releases know; those by layer type are left alone."""
    config = ckpt.config
    if not isinstance(config, dict) or config.get("auto_map") or ckpt.is_llava:
        return
    found: dict[tuple[str, ...], tuple[VersionSet, list[str], str]] = {}
    for part in parts_of(ckpt):
        if not isinstance(part, Fault):
            for key, missing, kind, releases in _missing(part):
                keys = (*part.keys, key)
                before = found.get(keys, (NONE, missing, kind))
                found[keys] = before[0] | releases, missing, kind
    for keys, (releases, missing, kind) in found.items():
        names = ", ".join(missing)
        shown = "{" + ", ".join(repr(name) for name in missing) + "}"
        happens = (
            f'AutoConfig.from_pretrained raises KeyError: "Missing required keys in `{keys[-1]}` for '
            f"'rope_type'='{kind}': {shown}\""
        )
        which = "it" if len(missing) == 1 else "them"
        reason = f"{'.'.join(keys)} of type {kind} has no {names}; transformers {releases} wants {which}"
        where = "".join(f"/{key}" for key in keys)
        yield Constraint(
            "transformers", left(config, releases), "rope-keys", reason, "config.json", where, happens=happens
        )


def _missing(part: Part) -> Iterator[tuple[str, list[str], str, VersionSet]]:
    """(key, names of what is missing, rope type, releases that refuse it)."""
    for key, found, among in (
        (*rope(part.value), _new(part)),
        ("rope_scaling", part.value.get("rope_scaling"), _checked(part)),
    ):
        if not isinstance(found, dict) or not found or not among or any(isinstance(v, dict) for v in found.values()):
            continue
        kind = found.get("rope_type", found.get("type"))
        row = find("rope_type", kind) if isinstance(kind, str) else None
        for required, when in over_time(row["required"]) if row is not None and "required" in row else ():
            releases = among if when is None else among & when
            new = bool(releases & NEW_FORM)
            given = found.keys() | {"rope_type"} | (FILLED if new else set())
            if new and kind in LONG:
                given |= {"original_max_position_embeddings"}
            missing = [name for name in required if name not in given]
            if missing and releases:
                yield key, missing, str(kind), releases


def _new(part: Part) -> VersionSet:
    """The releases of 5.x whose class reads rope_parameters in the common way."""
    has, own = NONE, NONE
    for cls, row, counted in part.lineage:
        entry = row.get("fields", {}).get("rope_parameters")
        if entry is not None:
            bounds = entry[2] if isinstance(entry, list) and len(entry) > 2 else None
            has |= counted if bounds is None else counted & VersionSet.of(bounds)
        own |= _saying(row, counted, "fold", "own") | _aliased(row, counted, part.value)
        if cls not in ROOTS:
            own |= _made(row, counted) - _saying(row, counted, "fold", "flat")
    return (has & NEW_FORM) - own


def _checked(part: Part) -> VersionSet:
    """The releases of 4.x whose class has its rope_scaling checked by modeling_rope_utils."""
    found = NONE
    for _, row, counted in part.lineage:
        found |= _saying(row, counted, "check", "keys")
    return found - NEW_FORM


def _saying(row: Mapping[str, Any], counted: VersionSet, entry: str, word: str) -> VersionSet:
    found = NONE
    for value, when in over_time(row.get("rope")):
        if value and value.get(entry) == word:
            found |= counted if when is None else counted & when
    return found


def _made(row: Mapping[str, Any], counted: VersionSet) -> VersionSet:
    """Where the class's own code puts the object together."""
    found = NONE
    for names, when in over_time(row.get("set")):
        if "rope_parameters" in (names or ()):
            found |= counted if when is None else counted & when
    return found


def _aliased(row: Mapping[str, Any], counted: VersionSet, config: Mapping[str, Any]) -> VersionSet:
    """Where the class takes the type that is written there for another one."""
    kind = rope(config)[1].get("rope_type", rope(config)[1].get("type"))
    found = NONE
    for value, when in over_time(row.get("rope")):
        if value and kind in (value.get("alias") or {}):
            found |= counted if when is None else counted & when
    return found
