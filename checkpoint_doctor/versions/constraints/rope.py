"""Rotary positions: what one major version writes and the other does not read, and types that came later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.config import rope
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import configs, lookup
from checkpoint_doctor.versions.sections import Section, sections

FILE = "config.json"
NEW_FORM = 50000  # rope_parameters; before it rope_theta, rope_scaling and names of single models
# What older classes call the base and the rotated part of a head.
THETA = ("rope_theta", "rotary_emb_base")
PART = ("partial_rotary_factor", "rotary_pct")
COMMON_TABLE = 44300  # modeling_rope_utils; before it every class checked for itself
LONGROPE = 44300


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "rope-parameters" for the new form where only the old one is read, "rope-scaling" for refused objects,
    "rope-conflict" where the two forms say different things.
    """
    for section in sections(ckpt):
        yield from _new_form(section)
        yield from _scaling(section)


def _new_form(section: Section) -> Iterator[Constraint]:
    new = section.values.get("rope_parameters")
    old = section.releases(before=NEW_FORM)
    by_layer = isinstance(new, dict) and any(isinstance(value, dict) for value in new.values())
    if isinstance(new, dict) and by_layer:
        new = new.get("full_attention")  # the old keys stand for it
    if not isinstance(new, dict) or not old:
        return
    cls = section.config_class(old[-1])
    fields = configs.fields(cls, old[-1]) if cls else {}
    # What a release that reads the old form only would take.
    there = {name: section.values.get(name, fields[name].default) for name in (*THETA, *PART) if name in fields}
    other = {name: new[key] for name in there if (key := _key(name)) in new and new[key] != there[name]}
    conflict = {name: value for name, value in other.items() if name in section.values}
    lost = {name: value for name, value in other.items() if _is_number(value) and _is_number(there[name])}
    inner = {key: value for key, value in new.items() if key not in ("rope_theta", "partial_rotary_factor")}
    scaling = section.values.get("rope_scaling", fields["rope_scaling"].default if "rope_scaling" in fields else None)
    preset = bool(scaling) and "rope_scaling" not in section.values  # gpt_oss: yarn, unless the file says otherwise
    scaled = inner != scaling if preset else not scaling and inner not in ({}, {"rope_type": "default"})
    place = (FILE, section.pointer("rope_parameters"))
    if conflict:
        names = ", ".join(f"{name} {printable(str(there[name]), 40)}" for name in conflict)
        reason = f"rope_parameters says something else than {names}; it counts since 5.0.0, not before"
        yield Constraint("transformers", VersionSet((NEW_FORM,)), "rope-conflict", reason, *place, "differs")
    elif there and (lost or scaled):
        words = [f"{_key(name)} is {there[name]} instead of {value}" for name, value in lost.items()]
        words += [f"{printable(str(new.get('rope_type', 'default')), 40)} scaling is lost"] if scaled else []
        reason = f"rope_parameters is read since 5.0.0; before, {' and '.join(words)}"
        happens = "the model loads without a word and computes wrong positions: its output gets worse with every token"
        fix = None
        if (
            not preset
            and not by_layer
            and _both_are_read(section, cls, old[-1], scaled)
            and _part_has_a_place(new, fields)
        ):
            fix = _both_forms(section, fields, {**lost, **({"rope_scaling": inner} if scaled else {})})
        allowed = VersionSet((NEW_FORM,))
        yield Constraint("transformers", allowed, "rope-parameters", reason, *place, "wrong", happens, fix)


def _key(name: str) -> str:
    return "rope_theta" if name in THETA else "partial_rotary_factor"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _both_are_read(section: Section, cls: str, release: int, scaled: bool) -> bool:
    """Not where 5.x has its own way of reading (by layer type), nor where 4.x wants an object of its own form."""
    newest = section.releases()[-1]
    strange = scaled and _entry(cls, release).get("check") in ("own", "fields")
    return not strange and _entry(section.config_class(newest), newest).get("fold") != "own"


def _part_has_a_place(new: dict[str, Any], fields: Mapping[str, configs.Field]) -> bool:
    return new.get("partial_rotary_factor", 1) == 1 or any(name in fields for name in PART)


def _both_forms(section: Section, fields: Mapping[str, configs.Field], added: dict[str, Any]) -> Fix | None:
    """The old keys beside the new one; releases since 5.0.0 read the same from either."""
    if any(name not in fields for name in added):
        return None
    edits = tuple(
        Edit("set", FILE, section.pointer(name), None, value)
        if name in section.values
        else Edit("add", FILE, section.pointer(name), value=value)
        for name, value in added.items()
    )
    return Fix(f"write {' and '.join(added)} beside rope_parameters, for releases before 5.0.0", "safe", edits)


def _scaling(section: Section) -> Iterator[Constraint]:
    key, found = rope({"rope_scaling": section.values.get("rope_scaling")})
    known = section.releases()
    if not found or not known:
        return
    name = "rope_type" if "rope_type" in found else "type"
    kind = found.get(name)
    if "su" in (_entry(section.config_class(known[-1]), known[-1]).get("alias") or {}):
        yield from _phi3(kind, section.pointer(key, name), found)
        return
    shown = f"rope_scaling of {name} {printable(str(kind), 40)}"
    place = (FILE, section.pointer(key))
    refused = _wanting_two_fields(section)
    if refused and (set(found) != {"type", "factor"} or kind not in ("linear", "dynamic")):
        happens = "AutoConfig.from_pretrained raises ValueError: `rope_scaling` must be a dictionary with two fields"
        reason = f"{shown} with {plural(len(found), 'key')} is read since {dotted(refused.bounds[-1])}"
        yield Constraint("transformers", ANY - refused, "rope-scaling", reason, *place, happens=happens)
    since = lookup.since("rope_type", kind) if isinstance(kind, str) and kind != "default" else None
    if since is not None and since.bounds[0] > COMMON_TABLE:
        happens = f"from_pretrained raises KeyError: '{printable(str(kind))}' while the model is built"
        reason = f"{shown} came with {dotted(since.bounds[0])}"
        yield Constraint("transformers", since, "rope-scaling", reason, *place, happens=happens)


def _entry(cls: str, release: int) -> dict[str, Any]:
    """How a class reads its rope parameters in a release."""
    for name in configs.lineage(cls, release):
        value = lookup.at((lookup.find("config", name) or {}).get("rope"), release)
        if value:
            return dict(value)
    return {}


def _wanting_two_fields(section: Section) -> VersionSet:
    """The releases that take {type, factor} of linear or dynamic only."""
    old = section.releases(before=COMMON_TABLE)
    row = lookup.find("config", section.config_class(old[-1])) if old else None
    refused = VersionSet(())
    for value, when in lookup.over_time((row or {}).get("rope")):
        if value and value.get("check") == "fields" and row:
            refused |= when or VersionSet.of(row["in"])
    return refused & VersionSet((0, COMMON_TABLE))


def _phi3(kind: Any, pointer: str, found: dict[str, Any]) -> Iterator[Constraint]:
    """Phi-3 said "su" at first and "longrope" later; 5.x looks for a key under the new name before it translates."""
    if kind == "longrope":
        happens = "AutoConfig.from_pretrained raises ValueError: … must be one of ['su', 'yarn'], got longrope"
        allowed, reason, fix = VersionSet((LONGROPE,)), 'Phi-3 reads rope_scaling of type "longrope" since 4.43.0', None
    elif kind == "su" and "original_max_position_embeddings" not in found:
        happens = "AutoConfig.from_pretrained raises KeyError: Missing required keys in `rope_parameters` … longrope"
        allowed, reason = VersionSet((0, NEW_FORM)), 'Phi-3 reads rope_scaling of type "su" before 5.0.0 only'
        fix = Fix('call it "longrope"', "safe", (Edit("set", FILE, pointer, "su", "longrope"),))
    else:
        return
    yield Constraint("transformers", allowed, "rope-scaling", reason, FILE, pointer, happens=happens, fix=fix)
