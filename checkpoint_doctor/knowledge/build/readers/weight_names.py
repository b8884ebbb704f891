"""How tensor names of a checkpoint become a model's: conversion tables, renaming in classes, tied weights."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact
from checkpoint_doctor.knowledge.build.sources import Sources

_TABLES = "transformers/conversion_mapping.py"
_CLASS = re.compile(r"^class (\w+)(?:\(([^)]*)\))?:", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^    (_tied_weights_keys|_checkpoint_conversion_mapping)\s*(?::[^=\n]+)?=\s*", re.MULTILINE)
_LONGEST = 200  # lines of one class attribute


def read(sources: Sources) -> Iterator[Fact]:
    """conversion NAME{rules | as | attribute} (a model type or a class), tied CLASS{keys}.

    rules: in order, [source, target] for a renaming and [sources, targets, operations] for a conversion; patterns are
    the library's. as: the name whose rules are taken. attribute: a class's own {pattern: replacement}. keys: a list of
    patterns of tied tensors up to 4.57, {tensor: the one it is tied to} from 5.0 on.
    """
    conversions: dict[str, dict[str, Any]] = {}
    if _TABLES in sources:
        found, notes = sources.derive(_TABLES, _tables)
        conversions.update({name: dict(values) for name, values in found.items()})
        for note in notes:
            yield NOTE, f"transformers {sources.version}: {_TABLES}:{note}", {}
    tied: dict[str, Any] = {}
    bases: dict[str, list[str]] = {}
    for path in sources.paths("transformers/models/"):
        if not path.rpartition("/")[2].startswith("modeling_") or "/modeling_tf_" in path or "/modeling_flax_" in path:
            continue
        for name, parents, attributes in _attributes(sources.text(path) or ""):
            bases[name] = parents
            if "_tied_weights_keys" in attributes:
                tied[name] = attributes["_tied_weights_keys"]
            renaming = attributes.get("_checkpoint_conversion_mapping")
            if renaming:
                conversions.setdefault(name, {})["attribute"] = renaming
    for name in bases:
        keys = _inherited(name, bases, tied)
        if keys:
            yield "tied", name, {"keys": keys}
    for name, values in sorted(conversions.items()):
        yield "conversion", name, values


def _inherited(name: str, bases: dict[str, list[str]], tied: dict[str, Any]) -> Any:
    for _ in range(8):
        if name in tied:
            return tied[name]
        name = next((base for base in bases.get(name, ()) if base in bases), "")
    return None


def _attributes(text: str) -> tuple[tuple[str, list[str], dict[str, Any]], ...]:
    """The classes of a modelling file with the two attributes, found without parsing the whole of it."""
    return _scanned(hashlib.sha256(text.encode()).digest(), _Text(text))


class _Text(str):
    """Equal to any other: the cache goes by the digest beside it and must not keep the texts apart by their hash."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=40_000)
def _scanned(digest: bytes, text: _Text) -> tuple[tuple[str, list[str], dict[str, Any]], ...]:
    starts = list(_CLASS.finditer(text))
    found = []
    for match, following in zip(starts, [*starts[1:], None]):
        body = text[match.end() : following.start() if following else len(text)]
        attributes = {one[1]: _literal(body[one.end() :]) for one in _ATTRIBUTE.finditer(body)}
        parents = [base.strip().rpartition(".")[2] for base in (match[2] or "").split(",") if "=" not in base]
        found.append((match[1], parents, {key: value for key, value in attributes.items() if value is not None}))
    return tuple(found)


def _literal(text: str) -> Any:
    lines = text.split("\n", _LONGEST)[:_LONGEST]
    for end in range(1, len(lines)):
        try:
            tree = ast.parse("\n".join(lines[:end]), mode="eval")
        except SyntaxError:
            continue
        try:
            return ast.literal_eval(tree)
        except ValueError:
            return None
    return None


class _Rules(Evaluator):
    """Keeps what the calls in conversion_mapping.py are given, where the plain evaluator keeps only their names."""

    def _statement(self, node: ast.stmt) -> None:
        """Also `mapping[name] += [...]` and `mapping[name].append(...)`."""
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Subscript):
            self.value(node.target).extend(self.value(node.value))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _grows(node.value):
            assert isinstance(node.value.func, ast.Attribute)
            owner, (item,) = self.value(node.value.func.value), self._items(node.value.args)
            owner.extend(item if node.value.func.attr == "extend" else [item])
        else:
            super()._statement(node)

    def _call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if not name[:1].isupper() or name in ("OrderedDict",):
            return super()._call(node)
        arguments, options = self._arguments(node)
        if name not in ("WeightRenaming", "WeightConverter"):
            given = [*map(str, arguments), *(f"{key}={value}" for key, value in sorted(options.items()))]
            return Ref(f"{name}({','.join(given)})", called=True)
        source = options.get("source_patterns", arguments[0] if arguments else None)
        target = options.get("target_patterns", arguments[1] if len(arguments) > 1 else None)
        operations = options.get("operations", arguments[2] if len(arguments) > 2 else [])
        rule = [_plain(source), _plain(target)]
        return [*rule, " ".join(_plain(one) for one in operations)] if operations else rule


def _grows(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute) and function.attr in ("append", "extend")
        and isinstance(function.value, ast.Subscript)
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return value.name
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _tables(tree: ast.Module) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The rules of `_build_checkpoint_conversion_mapping` by name, the alias table, and notes."""
    evaluator = _Rules()
    evaluator.run(tree.body)
    aliases = evaluator.names.get("_MODEL_TO_CONVERSION_PATTERN") or {}
    builder = "_build_checkpoint_conversion_mapping"
    body = next(
        (node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == builder),
        [],
    )
    inner = _Rules({**evaluator.names, "_MODEL_TO_CONVERSION_PATTERN": {}})
    inner.run(body)
    mapping = inner.names.get("mapping") or {}
    found = {name: {"as": other} for name, other in aliases.items() if name != other}
    for name, rules in mapping.items():
        found[name] = {"rules": [_plain(rule) for rule in rules]}
    notes = [f"{note.line} {note.name}: {note.why}" for note in inner.notes]
    return found, notes if body else [*notes, "no table of conversions"]
