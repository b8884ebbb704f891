"""Adapter configurations to hold releases of peft against: each release's own, others', and with one key too much."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

JsonObject = dict[str, Any]
# What a newer release may have put into a field whose default is this.
OTHER: list[tuple[Any, Any]] = [(None, "banana"), (False, True), (True, False)]


def cases(reader: str, defaults: Mapping[str, list[JsonObject]]) -> Iterator[JsonObject]:
    """{id, fault, config} for one release, from what `ask_peft.py defaults` said of every release.

    Types that no release knows, or no type at all, are no matter of versions: rules of their own report them.
    """
    draw = random.Random(reader)
    mine = {entry["peft_type"]: entry["config"] for entry in defaults[reader] if entry["config"]}
    for writer, entries in defaults.items():
        for entry in entries:
            name, config = entry["peft_type"], entry["config"]
            if config is None:
                continue
            yield {"id": f"{name} of {writer}", "fault": "written by another release", "config": config}
            for key in sorted(config.keys() - mine.get(name, config).keys()):
                yield one_more(f"{name} {key} of {writer}", "newer key, default", mine[name], key, config[key])
                yield one_more(f"{name} {key}= of {writer}", "newer key", mine[name], key, other(config[key]))
    for name, config in mine.items():
        yield one_more(name, "unknown key", config, "banana", 7)
        yield one_more(name, "unknown key, null", config, "banana", None)
        for key in draw.sample(sorted(config), min(5, len(config))):
            if key not in ("peft_type", "auto_mapping"):
                less = {k: v for k, v in config.items() if k != key}
                yield {"id": f"{name} without {key}", "fault": "key left out", "config": less}


def one_more(name: str, fault: str, config: JsonObject, key: str, value: Any) -> JsonObject:
    return {"id": f"{name}: {fault}", "fault": fault, "config": {**config, key: value}}


def other(default: Any) -> Any:
    """A value that is not the default."""
    for value, changed in OTHER:
        if default is value:
            return changed
    if isinstance(default, (int, float)):
        return default + 1
    return ["banana"] if isinstance(default, list) else "banana"
