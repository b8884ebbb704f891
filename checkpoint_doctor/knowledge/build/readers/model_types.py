"""Model types, and the types that only parts of a configuration have."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.auto_tables import auto_tables
from checkpoint_doctor.knowledge.build.classes import scan
from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.sources import Sources


def read(sources: Sources) -> Iterator[Fact]:
    """model_type `config`: its class; nested_type `config`: the classes whose `model_type` is no key of the table."""
    tables = auto_tables(sources)
    for model_type, config in tables.configs.items():
        yield "model_type", model_type, {"config": config}
    yield from tables.facts_of_notes()
    nested: dict[str, set[str]] = {}
    for path in sources.paths("transformers/models/"):
        if path.rpartition("/")[2].startswith("configuration_"):
            for one in sources.derive(path, scan).classes:
                if one.model_type and one.model_type not in tables.configs:
                    nested.setdefault(one.model_type, set()).add(one.name)
    for model_type, classes in nested.items():
        yield "nested_type", model_type, {"config": sorted(classes)}
