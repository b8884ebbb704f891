"""The tables of `transformers/models/auto`, whatever form a release writes them in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Note, Ref
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact
from checkpoint_doctor.knowledge.build.sources import Sources

AUTO = "transformers/models/auto/"
_HEAD = re.compile(r"MODEL_(\w+_)?(MAPPING|NAMES)")


class AutoTables:
    """The auto tables of one release, as plain names.

    Before 4.10 they hold classes: CONFIG_MAPPING {type: class}, all others {config class: class}. Since then they hold
    names: *_MAPPING_NAMES {type: name}. Both are given as {model type: …}.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._modules: dict[str, Mapping[str, Any]] = {}
        self.notes: list[tuple[str, Note]] = []
        names = self.module("configuration_auto")
        table = names.get("CONFIG_MAPPING_NAMES") or names.get("CONFIG_MAPPING")
        if not isinstance(table, dict) or len(table) < 2:
            raise ValueError(f"transformers {sources.version}: no configuration table, it must have moved")
        self.configs: dict[str, str] = {key: _plain(value) for key, value in table.items()}
        self._types: dict[str, list[str]] = {}
        for model_type, config in self.configs.items():
            self._types.setdefault(config, []).append(model_type)

    def module(self, name: str) -> Mapping[str, Any]:
        """All names of one file of the folder, {} when there is none."""
        if name not in self._modules:
            self._modules[name] = {}  # what imports itself in a circle sees nothing
            evaluator = Evaluator(follow=self._follow)
            evaluator.run(self._sources.tree(f"{AUTO}{name}.py").body)
            self.notes += [(name, note) for note in evaluator.notes]
            self._modules[name] = evaluator.names
        return self._modules[name]

    def _follow(self, node: ast.ImportFrom) -> Mapping[str, Any] | None:
        if node.level == 1 and node.module and f"{AUTO}{node.module}.py" in self._sources:
            return self.module(node.module)
        return None

    def table(self, module: str, stem: str) -> dict[str, Any]:
        """The table `stem`_NAMES, or `stem` before 4.10, as {model type: names}."""
        names = self.module(module)
        found = names.get(f"{stem}_NAMES", names.get(stem))
        return self.by_type(found) if isinstance(found, dict) else {}

    def heads(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(name, {model type: class or classes}) of every table of model classes; "MODEL_FOR_CAUSAL_LM" for example."""
        for name, found in self.module("modeling_auto").items():
            if _HEAD.fullmatch(name) and isinstance(found, dict):
                yield name.removesuffix("_NAMES").removesuffix("_MAPPING"), self.by_type(found)

    def by_type(self, table: Mapping[Any, Any]) -> dict[str, Any]:
        """A table by model type, with names for classes."""
        found: dict[str, Any] = {}
        for key, value in table.items():
            for model_type in self._types.get(key.name, []) if isinstance(key, Ref) else [key]:
                found[model_type] = _plain(value)
        return found

    def facts_of_notes(self) -> Iterator[Fact]:
        """A note for each statement about a table that could not be worked out."""
        for module, note in self.notes:
            if re.search(r"MAPPING|_NAMES|TOKENIZER_CLASS|model_type", note.name):
                yield NOTE, f"{AUTO}{module}.py:{note.line} {note.name}: {note.why}", {}


def auto_tables(sources: Sources) -> AutoTables:
    """The tables of a release, worked out once while it is open."""
    return sources.once("auto tables", partial(AutoTables, sources))


def classes_in(value: Any) -> Iterator[str]:
    """All class names in an entry of a table."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from classes_in(list(value.values()))
    elif isinstance(value, Iterable):
        for part in value:
            yield from classes_in(part)


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return value.name.rpartition(".")[2]
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
