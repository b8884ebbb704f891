"""Configuration classes of transformers: fields with defaults, strict types, sub-configurations, class validators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.configs.classes import classes
from checkpoint_doctor.knowledge.build.configs.fields import ROOTS
from checkpoint_doctor.knowledge.build.configs.pack import pack_rows
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact, Rows
from checkpoint_doctor.knowledge.build.sources import Sources

_ZERO = re.compile(r"(min|max)=0(\.0)?(,|(?=\)))")


def read(sources: Sources) -> Iterator[Fact]:
    """config CLASS with the flat entries of configs/classes.py, for all that come from PretrainedConfig."""
    found: dict[str, tuple[list[str], dict[str, object], str]] = {}
    for path in modules(sources):
        for name, (bases, entries) in sources.derive(path, classes).items():
            if name in found and "/deprecated/" in path:
                continue  # of two classes with one name the tables mean the one in use
            found[name] = bases, dict(entries), path
    # Up to 5.5 `interval` took a bound of zero for none: `min = min or float("-inf")`.
    lax = "min = min or" in (sources.text("transformers/utils/type_validators.py") or "")
    count = 0
    for name, (bases, entries, _) in found.items():
        if name in ROOTS or _is_config(name, found):
            count += 1
            parents = [base for base in bases if base not in ROOTS and _is_config(base, found)]
            if parents:
                entries["base"] = parents[0]
            yield "config", name, _without_zero(entries) if lax else entries
    if count < 20:
        yield NOTE, f"transformers {sources.version}: only {count} configuration classes found", {}


def pack(rows: Rows) -> Rows:
    """Fold the flat entries."""
    return pack_rows(rows)


def modules(sources: Sources) -> list[str]:
    """The modules that define configuration classes; modular_*.py repeat them."""
    models = [
        path for path in sources.paths("transformers/models/") if path.rpartition("/")[2].startswith("configuration_")
    ]
    return ["transformers/configuration_utils.py", *models]


def _without_zero(entries: dict[str, object]) -> dict[str, object]:
    return {
        key: re.sub(r"interval\(\)", "", _ZERO.sub("", value)).removesuffix("&")
        if key.startswith("t:") and isinstance(value, str) and "&interval(" in value
        else value
        for key, value in entries.items()
    }


def _is_config(name: str, found: dict[str, tuple[list[str], dict[str, object], str]]) -> bool:
    seen: set[str] = set()
    todo = [name]
    while todo:
        one = todo.pop()
        if one in ROOTS:
            return True
        if one in found and one not in seen:
            seen.add(one)
            todo.extend(found[one][0])
    return False
