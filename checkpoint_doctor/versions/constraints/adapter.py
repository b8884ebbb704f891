"""adapter_config.json and PEFT: its method, its keys, and values that came later than their key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.facts.adapter import CONFIG_FILE
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import adapters, lookup

# Keys that are read while training only: without them the same weights load.
TRAINING = frozenset(
    {"corda_config", "eva_config", "loftq_config", "lora_ga_config", "monteclora_config", "velora_config"}
)
# What stands for itself: init_lora_weights is looked at by value, qalora_group_size says nothing without use_qalora.
APART = frozenset({"base_model_name_or_path", "init_lora_weights", "qalora_group_size", "revision", "task_type"})
SILENT = adapters.INFORMATIONAL | TRAINING | APART
MAX_KEYS = 1000


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "peft-type"; "peft-keys" for keys that say nothing but are refused; "peft-field" for one that counts."""
    adapter = ckpt.adapter
    if adapter is None or adapter.config_file is None or adapter.library != "PEFT":
        return
    name = adapter.peft_type
    known = lookup.since("peft_type", name) if name is not None else None
    config = adapters.config_class(name) if name is not None else None
    if name is None or known is None or config is None:
        return  # ADP004 says it
    yield from _method(name, known)
    if len(adapter.config) <= MAX_KEYS and adapters.field_names(config):
        yield from _fields(ckpt, config, known)


def _method(name: str, known: VersionSet) -> Iterator[Constraint]:
    if known.bounds[0] <= lookup.releases("peft")[0] and len(known.bounds) == 1:
        return
    reason = f"peft_type {name} came with {dotted(known.bounds[0])}"
    if len(known.bounds) > 1:
        reason += f" and was removed in {dotted(known.bounds[1])}"
    happens = f"PeftModel.from_pretrained raises KeyError: '{name}' (PEFT {{have}})"
    yield Constraint("peft", known, "peft-type", reason, CONFIG_FILE, "/peft_type", happens=happens)


def _fields(ckpt: Checkpoint, config: str, known: VersionSet) -> Iterator[Constraint]:
    """One constraint for each key that counts, one for all others together."""
    assert ckpt.adapter is not None
    refused, silent = refusing(), []
    reads = ANY
    for key, value in ckpt.adapter.config.items():
        releases = _having(config, key)
        if not known - releases:
            continue
        if releases and key not in SILENT and value is not False and not adapters.is_default(config, key, value):
            yield _field(ckpt, config, key, releases)
        elif refused - releases:
            silent.append(key)
            reads &= releases | (ANY - refused)
    if not silent:
        return
    installed = ckpt.environment.packages.get("peft")
    extra = silent if installed is None else [key for key in silent if installed.releases - _having(config, key)]
    shown = ", ".join(printable(key, 60) for key in extra[:3]) + ("" if len(extra) < 4 else ", …")
    whose = "not every PEFT has" if installed is None else f"PEFT {installed.text} does not have"
    reason = f"{plural(len(extra), 'key')} that {whose} ({shown}), and {refused} refuses unknown keys"
    happens = _refusal(config, extra[0]) if extra else ""
    fix = _without(ckpt, config, extra)
    yield Constraint("peft", reads, "peft-keys", reason, CONFIG_FILE, happens=happens, fix=fix)


def _field(ckpt: Checkpoint, config: str, key: str, releases: VersionSet) -> Constraint:
    reason = f"{key} is used, which {config} has since {dotted(releases.bounds[0])}"
    if len(releases.bounds) > 1:
        reason = f"{key} is used, which {config} had before {dotted(releases.bounds[1])}"
    installed = ckpt.environment.packages.get("peft")
    if installed is not None and installed.releases & refusing():
        happens = _refusal(config, key)
    else:
        happens = f"PEFT {{have}} loads the adapter without {key}, which is another model than the trained one"
    return Constraint("peft", releases, "peft-field", reason, CONFIG_FILE, f"/{key}", "wrong", happens)


def _refusal(config: str, key: str) -> str:
    what = f"TypeError: {config}.__init__() got an unexpected keyword argument '{printable(key, 60)}'"
    return f"PeftModel.from_pretrained raises {what} (PEFT {{have}})"


def _having(config: str, key: str) -> VersionSet:
    return adapters.field_releases(config, key) or NONE


def refusing() -> VersionSet:
    """The releases of PEFT that raise TypeError at a key which they do not have."""
    row = lookup.find("peft_behaviour", "unknown_key")
    found = NONE
    for value, releases in lookup.over_time(row["value"]) if row else ():
        if value == "refused" and releases is not None:
            found |= releases
    return found


def _without(ckpt: Checkpoint, config: str, extra: list[str]) -> Fix | None:
    """Remove the keys that the user's PEFT does not have; PEFT makes the same of the file without them."""
    assert ckpt.adapter is not None
    installed, stand = ckpt.environment.packages.get("peft"), ckpt.adapter.config
    if installed is None or not extra or not all(_droppable(config, key, stand[key]) for key in extra):
        return None
    edits = tuple(Edit("remove", CONFIG_FILE, "/" + _escaped(key), stand[key]) for key in extra)
    return Fix(f"remove {plural(len(extra), 'key')} that PEFT {installed.text} does not have", "safe", edits)


def _droppable(config: str, key: str, value: Any) -> bool:
    """Whether no release makes anything of the key as it stands."""
    empty = value is None or value is False or value == [] or value == {}
    return empty or key in adapters.INFORMATIONAL or adapters.is_default(config, key, value)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
