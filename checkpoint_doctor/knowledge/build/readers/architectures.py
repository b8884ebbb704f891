"""Model classes: which model types and auto classes give them, and what configuration they take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.auto_tables import auto_tables, classes_in
from checkpoint_doctor.knowledge.build.classes import Family
from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.sources import Sources


def read(sources: Sources) -> Iterator[Fact]:
    """architecture `types`, `heads`, `config`.

    A class outside the auto tables has no types and heads; it may still be what a checkpoint was saved from. The common
    bases of a model's classes (XPreTrainedModel), TensorFlow and Flax classes are left out.
    """
    types: dict[str, set[str]] = defaultdict(set)
    heads: dict[str, set[str]] = defaultdict(set)
    for head, table in auto_tables(sources).heads():
        for model_type, value in table.items():
            for name in classes_in(value):
                types[name].add(model_type)
                heads[name].add(head)
    family = models(sources)
    heirs = {name for name in family.heirs({"PreTrainedModel"}) if not name.lower().endswith("pretrainedmodel")}
    for name in sorted(heirs | set(types)):
        values: dict[str, object] = {}
        if name in types:
            values = {"types": sorted(types[name]), "heads": sorted(heads[name])}
        config = family.config(name)
        if config is not None:
            values["config"] = config
        yield "architecture", name, values


def models(sources: Sources) -> Family:
    """The classes of all PyTorch modeling files; modular_*.py define the same ones again."""
    return sources.once("models", lambda: Family.of(sources, filter(_is_model_file, sources.paths("transformers/"))))


def _is_model_file(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("modeling_") and not name.startswith(("modeling_tf_", "modeling_flax_"))
