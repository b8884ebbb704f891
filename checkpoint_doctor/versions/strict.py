"""What the strict configuration classes of transformers 5.4 and later refuse, told from the table without the library.

Every field of a class that stands in config.json is set, and so checked, before any code of the class runs; then come
the nested configurations, then the class validators. A fault is given only where the source leaves no doubt: a class
with a constructor of its own, a field that its code changes first, a type it cannot read are passed over in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from checkpoint_doctor.core.versions import ANY, NONE, VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import configs
from checkpoint_doctor.knowledge.lookup import find, over_time, releases
from checkpoint_doctor.versions.annotations import mismatch, short

STRICT = VersionSet((configs.STRICT_SINCE,))
_DEPTH = 6
_LONG = 10_000  # items of a list that are looked at
_FLOATS = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}
# Backbones keep what these keys say in private fields, which are checked.
_ALIASES = {"out_features": "_out_features", "out_indices": "_out_indices"}
_MINISTRAL = VersionSet((45700,))  # mistral with layer_types is read as ministral


class Fault(NamedTuple):
    """One thing in config.json that some releases refuse.

    Attributes:
        kind: "strict-field", "strict-class", "common-field" or "sub-config-type".
        keys: where, from the top of config.json.
        cls: the configuration class that refuses it.
        annotation: the type that the field should have, "" for other kinds.
        error: the exception as the library words it.
        releases: those that refuse it.
    """

    kind: str
    keys: tuple[str, ...]
    value: Any
    cls: str
    annotation: str
    error: str
    releases: VersionSet


class Part(NamedTuple):
    """One configuration in config.json, the top one or a nested one, as a class reads it.

    Attributes:
        lineage: the class's rows and those of its parents, root last, each with the releases in which it counts.
        releases: those in which this class reads this part.
    """

    cls: str
    value: Mapping[str, Any]
    keys: tuple[str, ...]
    lineage: tuple[tuple[str, Mapping[str, Any], VersionSet], ...]
    releases: VersionSet


def parts_of(ckpt: Checkpoint) -> list[Part | Fault]:
    """`parts` of a directory's config.json, worked out once."""
    known = ckpt.memo.get("config_parts")
    if not isinstance(known, list):
        known = ckpt.memo["config_parts"] = list(parts(ckpt.config))
    return known


def parts(config: Mapping[str, Any]) -> Iterator[Part | Fault]:
    """The configurations that config.json consists of, and the nested ones that no class reads, for all releases."""
    name = config.get("model_type")
    if not isinstance(name, str):
        return
    if name == "mistral" and "layer_types" in config:
        yield from _typed("ministral", config, (), _MINISTRAL)
        yield from _typed(name, config, (), ANY - _MINISTRAL)
    else:
        yield from _typed(name, config, (), ANY)


def _typed(name: str, value: Mapping[str, Any], keys: tuple[str, ...], releases: VersionSet) -> Iterator[Part | Fault]:
    """What AutoConfig makes of a configuration."""
    row = find("model_type", name)
    if row is None:
        return
    known = VersionSet.of(row["in"]) & releases
    for cls, when in over_time(row["config"]):
        yield from _part(cls, value, keys, known if when is None else known & when)


def _part(cls: Any, value: Mapping[str, Any], keys: tuple[str, ...], releases: VersionSet) -> Iterator[Part | Fault]:
    row = find("config", cls) if isinstance(cls, str) else None
    if row is None or not releases or len(keys) > _DEPTH:
        return
    part = Part(cls, value, keys, tuple(lineage(cls, releases)), releases & VersionSet.of(row["in"]))
    yield part
    seen: set[str] = set()
    for _, parent, counted in part.lineage:
        for key, entry in parent.get("subs", {}).items():
            nested = value.get(key)
            if key not in seen and isinstance(nested, dict):
                seen.add(key)
                yield from _nested(part, key, nested, entry, counted)


def lineage(cls: str, releases: VersionSet, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any], VersionSet]]:
    row = find("config", cls)
    if row is None or depth > _DEPTH:
        return
    mine = releases & VersionSet.of(row["in"])
    if not mine:
        return
    yield cls, row, mine
    rest = mine
    for base, when in over_time(row.get("base")):
        if isinstance(base, str):
            counted = mine if when is None else mine & when
            rest = rest - counted
            yield from lineage(base, counted, depth + 1)
    if rest and cls not in configs.ROOTS:
        for root in configs.ROOTS:
            yield from lineage(root, rest, depth + 1)


def _nested(part: Part, key: str, value: dict[str, Any], entry: Any, counted: VersionSet) -> Iterator[Part | Fault]:
    for spec, when in over_time(entry):
        releases = counted if when is None else counted & when
        if not spec or not releases:
            continue
        keys = (*part.keys, key)
        lost = _set(spec) & value.keys() - {"model_type"}
        value = {name: one for name, one in value.items() if name not in lost} if lost else value
        if spec[0] != "AutoConfig":
            yield from _part(spec[0], value, keys, releases)
            continue
        name = value.get("model_type", spec[1] if len(spec) > 1 else None)
        if isinstance(name, str) and name:
            yield from _typed(name, value, keys, releases)
            if "model_type" not in _set(spec):  # a class that rewrites types may know this one by another name
                yield from _unknown(part, keys, name, releases)


def _set(spec: list[Any]) -> set[str]:
    """The keys that the parent's own code sets before the nested configuration is read."""
    return set(spec[2]["set"]) if len(spec) > 2 else set()


def _unknown(part: Part, keys: tuple[str, ...], name: str, releases: VersionSet) -> Iterator[Fault]:
    row = find("model_type", name)
    lost = releases - (VersionSet.of(row["in"]) if row else NONE)
    for when, error in (
        (VersionSet((0, 52000)), f"KeyError: {name!r}"),
        (VersionSet((52000,)), f"ValueError: Unrecognized model type for subconfig: {name}."),
    ):
        if lost & when:
            yield Fault("sub-config-type", (*keys, "model_type"), name, part.cls, "", error, lost & when)


def field_faults(part: Part) -> Iterator[Fault]:
    """The fields of one part that have a type its class refuses."""
    tables = [(row.get("fields", {}), counted) for _, row, counted in part.lineage]
    for name, given in part.value.items():
        value = _decoded(given)
        # The rare thing first: only a value that some release refuses is worth working out which.
        key = _ALIASES.get(name, name) if any(_ALIASES.get(name, name) in table for table, _ in tables) else name
        for table, _ in tables:
            if key in table and any(_refused(key, value, table[key])):
                yield from _faults_of(part, name, key, given, tables)
                break


def _refused(key: str, value: Any, entry: Any) -> Iterator[tuple[str, str, VersionSet | None]]:
    """(type, error, releases of the type) for each type that a field ever had and that refuses a value."""
    default, text, _ = configs.parts(entry)
    for wanted, when in over_time(_usual(default) if text is None else text):
        error = mismatch(key, value, wanted) if wanted else None
        if error is not None:
            yield wanted, error, when


def _faults_of(
    part: Part, name: str, key: str, given: Any, tables: list[tuple[Mapping[str, Any], VersionSet]]
) -> Iterator[Fault]:
    left = (part.releases & STRICT) - _own(part)
    for table, counted in tables:
        if key not in table or not left:
            continue
        default, _, bounds = configs.parts(table[key])
        present = counted if bounds is None else counted & bounds
        if isinstance(default, dict) and "@" in default:
            present &= _any_time(default)
        for wanted, error, when in _refused(key, _decoded(given), table[key]):
            releases = left & present if when is None else left & present & when
            if releases:
                said = f"StrictDataclassFieldValidationError: Validation error for field '{key}': {error}"
                yield Fault("strict-field", (*part.keys, name), given, part.cls, wanted, said, releases)
        left = left - present


def _usual(default: Any) -> str:
    """The type that goes without saying; "?" is no type and takes everything."""
    value = over_time(default)[-1][0]
    return type(value).__name__ if isinstance(value, (bool, int, float, str)) else ""


def _any_time(timeline: dict[str, Any]) -> VersionSet:
    found = NONE
    for _, when in over_time(timeline):
        found |= when or NONE
    return found


def _own(part: Part) -> VersionSet:
    """The releases in which the class or a parent reads its dictionary in a way of its own."""
    found = NONE
    for _, row, counted in part.lineage:
        for value, when in over_time(row.get("own")):
            if value and (value != ["from_dict"] or not part.keys):  # only the top one is read by from_dict
                found |= counted if when is None else counted & when
    return found


def _decoded(value: Any) -> Any:
    """{"__float__": "Infinity"} as the float that 5.x reads it as, in a list, too."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value[:_LONG]):
        return [_decoded(item) if isinstance(item, dict) else item for item in value[:_LONG]]
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("__float__"), str):
        return _FLOATS.get(value["__float__"], value)
    return value


def faults(config: Mapping[str, Any]) -> list[Fault]:
    """All faults of a config.json; [] for one whose top model_type no release knows."""
    return faults_in(parts(config))


def faults_in(found_parts: Iterable[Part | Fault]) -> list[Fault]:
    """All faults of the configurations that config.json consists of."""
    from checkpoint_doctor.versions.common_fields import common_faults
    from checkpoint_doctor.versions.validators import class_faults

    found: list[Fault] = []
    for one in found_parts:
        if isinstance(one, Fault):
            found.append(one)
        else:
            wrong = [*field_faults(one), *common_faults(one)]
            found += wrong
            # A validator never runs where a field was refused already.
            refused = NONE
            for fault in wrong:
                refused |= fault.releases
            found += class_faults(one, refused)
    return found


def left(config: Mapping[str, Any], refused: VersionSet) -> VersionSet:
    """The releases that some refusal leaves; none when all that know the model type share it."""
    row = find("model_type", str(config.get("model_type")))
    known = VersionSet.of(row["in"]) if row else ANY
    rest = known - refused
    there = len(rest.bounds) % 2 == 1 or rest.among(releases("transformers"))
    return ANY - refused if there else NONE


def shown(value: Any) -> str:
    """A value for messages, as JSON; of a large or deep one only what it is."""
    if isinstance(value, (list, dict)):
        found = short(value)
        return found if "…" in found else json.dumps(value, ensure_ascii=False)
    return json.dumps(value[:1000] if isinstance(value, str) else value, ensure_ascii=False)
