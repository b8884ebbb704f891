"""The configuration classes of transformers by release: fields, sub-configurations, class validators.

A class's row holds what its own source says; what it inherits comes from its parent's row, at the end the root's. How a
row is written is told in knowledge/build/configs/pack.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge.lookup import at, find, over_time

STRICT_SINCE = 50400
"""From this release on field types are checked."""
ROOTS = "PretrainedConfig", "PreTrainedConfig"
"""The root classes; the second name since 5.0.0."""
_DEPTH = 12


class Field(NamedTuple):
    """One field of a configuration class in one release.

    Attributes:
        default: as JSON, tuples as lists; {"$": text} for what is no plain value, "required" when there is none.
        annotation: the type that the release checks, in its own spelling without blanks, then "&" and a validator;
            None when nothing is checked.
    """

    default: Any
    annotation: str | None = None


class SubConfig(NamedTuple):
    """What reads a nested configuration.

    Attributes:
        config: the class that does whatever the model_type in it says; "" when AutoConfig does, by the model_type.
        model_type: the one that AutoConfig takes when none is given, "" when there is none.
    """

    config: str
    model_type: str = ""


def config_class(model_type: str, release: int) -> str | None:
    """The class that a release reads a model type with; None when it does not know the type."""
    row = find("model_type", model_type)
    if row is None or release not in VersionSet.of(row["in"]):
        return None
    found = at(row["config"], release)
    return found if isinstance(found, str) else None


def lineage(cls: str, release: int) -> tuple[str, ...]:
    """A class and those that it comes from, the root last; () when the release has no such class."""
    found: list[str] = []
    name: Any = cls
    while isinstance(name, str) and name not in found and len(found) < _DEPTH:
        row = find("config", name)
        if row is None or release not in VersionSet.of(row["in"]):
            break
        found.append(name)
        name = at(row.get("base"), release) or _root(release)
    return tuple(found)


def _root(release: int) -> str:
    return ROOTS[release >= 50000]


@lru_cache(maxsize=256)
def fields(cls: str, release: int) -> Mapping[str, Field]:
    """The fields of a class in a release, inherited ones too; {} for an unknown class. Not to be changed."""
    found: dict[str, Field] = {}
    for name in lineage(cls, release):
        row = find("config", name) or {}
        whole = VersionSet.of(row["in"])
        for field, entry in row.get("fields", {}).items():
            if field not in found:
                one = _field(entry, release, whole)
                if one is not None:
                    found[field] = one
        if release < STRICT_SINCE and at(row.get("closed"), release):
            break
    return found


def _field(entry: Any, release: int, whole: VersionSet) -> Field | None:
    default, text, bounds = parts(entry)
    if bounds is not None and release not in bounds:
        return None
    for value, when in over_time(default):
        if when is None or release in when:
            if release < STRICT_SINCE:
                return Field(value)
            checked = type(over_time(default)[-1][0]).__name__ if text is None else at(text, release)
            return Field(value, checked or None)
    return None


def parts(entry: Any) -> tuple[Any, Any, VersionSet | None]:
    """Default, type and releases of a stored field; the type None when it goes without saying."""
    if not isinstance(entry, list):
        return entry, None, None
    default, text, bounds = (*entry, None, None, None)[:3]
    return default, text, None if bounds is None else VersionSet.of(bounds)


def timeline(cls: str, field: str) -> list[tuple[Any, VersionSet]]:
    """The defaults of a field that a class itself declares, each with its releases; [] when it never did."""
    row = find("config", cls)
    if row is None or field not in row.get("fields", {}):
        return []
    default, _, bounds = parts(row["fields"][field])
    whole = VersionSet.of(row["in"]) if bounds is None else bounds
    return [(value, whole if when is None else when) for value, when in over_time(default)]


@lru_cache(maxsize=256)
def sub_configs(cls: str, release: int) -> Mapping[str, SubConfig]:
    """The nested configurations of a class by key, as far as the release tells how they are read."""
    found: dict[str, SubConfig] = {}
    for name in lineage(cls, release):
        for key, value in ((find("config", name) or {}).get("subs", {})).items():
            one = at(value, release)
            if one and key not in found:
                found[key] = SubConfig("" if one[0] == "AutoConfig" else one[0], one[1] if len(one) > 1 else "")
    return found


def attribute_map(cls: str, release: int) -> Mapping[str, str]:
    """Other names of fields: {"num_hidden_layers": "n_layer"}; the class nearest to the leaf says."""
    return _nearest(cls, "map", release) or {}


def _nearest(cls: str, entry: str, release: int) -> Any:
    """An attribute of the class, or of the first of its parents that has it."""
    for name in lineage(cls, release):
        value = at((find("config", name) or {}).get(entry), release)
        if value is not None:
            return value
    return None
