"""What releases of PEFT make of an adapter_config.json: methods, fields of their classes, default target modules."""

from __future__ import annotations

from typing import Any, Literal

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge import lookup

# Keys that say something about the file or about training, none of which changes what is loaded.
INFORMATIONAL = frozenset({"auto_mapping", "inference_mode", "megatron_core", "peft_version", "runtime_config"})
# In place of a default: the class cannot be made without the field, or the default is an object that no JSON holds.
REQUIRED = "$required"
OBJECT = "$object"

Unknown = Literal["ignored", "refused", "dropped"]


def config_class(peft_type: str) -> str | None:
    """The configuration class of a method, "LoraConfig" for "LORA"; None for one that no release knows."""
    row = lookup.find("peft_type", peft_type)
    return str(row["config"]) if row else None


def fields(config: str, release: int) -> dict[str, Any]:
    """The fields of a configuration class in a packed release, with their defaults, sorted; inherited ones, too.

    A default is what JSON would say, REQUIRED or OBJECT. Empty when the release has no such class.
    """
    row = lookup.find("peft_config", config)
    if row is None or release not in VersionSet.of(row["in"]):
        return {}
    found = {}
    for name, value in sorted(row.items()):
        for default, releases in lookup.over_time(value) if name != "in" else ():
            if releases is None or release in releases:
                found[name] = default
    return found


def field_names(config: str) -> frozenset[str]:
    """Every field that a configuration class ever had."""
    return frozenset(lookup.find("peft_config", config) or ()) - {"in"}


def field_releases(config: str, name: str) -> VersionSet | None:
    """The releases whose class takes a field; None when none ever did."""
    row = lookup.find("peft_config", config)
    if row is None or name not in row or name == "in":
        return None
    present = VersionSet(())
    for _, releases in lookup.over_time(row[name]):
        present |= VersionSet.of(row["in"]) if releases is None else releases
    return present


def is_default(config: str, name: str, value: Any) -> bool:
    """Whether a value says what a release without the field does anyway, judged by every default the field had.

    Empty containers and null count as the same: PEFT writes either for "not used". Integers are not booleans.
    """
    row = lookup.find("peft_config", config)
    if row is None or name not in row or name == "in":
        return False
    defaults = [default for default, _ in lookup.over_time(row[name])]
    if value is None or value == [] or value == {}:
        return any(default is None or default == [] or default == {} for default in defaults)
    return any(type(default) is type(value) and default == value for default in defaults)


def unknown_keys(release: int) -> Unknown:
    """What a release does with a key of adapter_config.json that its class does not take.

    "ignored" in silence, "refused" with a TypeError, or "dropped" with a warning.
    """
    row = lookup.find("peft_behaviour", "unknown_key")
    found: Unknown = lookup.at(row["value"], release) if row else "dropped"
    return found


def default_targets(method: str, model_type: str, release: int) -> list[str] | str | None:
    """The modules that a method takes for a model type when target_modules is null: names, or one regular expression.

    None when the release has no default, which is an error when an adapter is made.
    """
    row = lookup.find("peft_targets", method)
    if row is None or release not in VersionSet.of(row["in"]):
        return None
    for modules, releases in lookup.over_time(row[model_type]) if model_type in row else ():
        if releases is None or release in releases:
            return modules  # type: ignore[no-any-return]
    base = lookup.at(row.get("base"), release)
    return default_targets(base, model_type, release) if base else None
