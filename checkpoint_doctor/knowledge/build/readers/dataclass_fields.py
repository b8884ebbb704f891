"""The fields of dataclasses with their defaults, inherited ones included, from their source."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref, Unevaluated

# In place of a default: the class cannot be made without the field, or the default is an object of a class.
REQUIRED = "$required"
OBJECT = "$object"
_FACTORIES: dict[str, Any] = {"dict": {}, "list": [], "set": [], "tuple": []}


@dataclass(frozen=True, slots=True)
class ClassSource:
    """A class as one file has it.

    Attributes:
        bases: their names.
        is_dataclass: whether it is decorated as one: a plain class's annotations are no fields.
        fields: default by field, in order, of those that `__init__` takes; an `_Enum` member is still a Ref.
        members: the values of plain assignments, for enums.
    """

    bases: tuple[str, ...] = ()
    is_dataclass: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)


def class_sources(tree: ast.Module) -> dict[str, ClassSource]:
    """The classes of a module."""
    return {node.name: _class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _class(node: ast.ClassDef) -> ClassSource:
    fields: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            if "ClassVar" not in ast.unparse(statement.annotation) and not _is_set_later(statement.value):
                fields[statement.target.id] = REQUIRED if statement.value is None else _default(statement.value)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            members.update(dict.fromkeys(names, statement.value.value))
    decorators = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}
    bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
    return ClassSource(bases, "dataclass" in decorators, fields, members)


def _options(node: ast.expr | None) -> dict[str | None, ast.expr] | None:
    """The arguments of a call of `field`, None for anything else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "field":
        return {option.arg: option.value for option in node.keywords}
    return None


def _is_set_later(node: ast.expr | None) -> bool:
    """Whether it is `field(init=False)`: saved, but refused when it is read."""
    init = (_options(node) or {}).get("init")
    return isinstance(init, ast.Constant) and init.value is False


def _default(node: ast.expr) -> Any:
    options = _options(node)
    if options is None:
        return _value(node)
    if "default" in options:
        return _value(options["default"])
    factory = options.get("default_factory")
    if factory is None:
        return REQUIRED
    if isinstance(factory, ast.Lambda):
        return _value(factory.body)
    return _FACTORIES.get(ast.unparse(factory), OBJECT)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Attribute):
        return Ref(ast.unparse(node))
    try:
        return Evaluator().value(node)
    except Unevaluated:
        return Ref(ast.unparse(node))


def fields(name: str, classes: Mapping[str, ClassSource]) -> tuple[dict[str, Any], list[str]]:
    """The fields of a dataclass with defaults as JSON has them, base classes first, and those not made out."""
    found: dict[str, Any] = {}
    for one in reversed(_lineage(name, classes)):
        if classes[one].is_dataclass:
            found.update(classes[one].fields)
    notes = []
    for key, default in found.items():
        if isinstance(default, Ref):
            owner, _, member = default.name.rpartition(".")
            members = classes[owner].members if owner in classes else {}
            found[key] = members.get(member, OBJECT)
            if member not in members and not default.called:
                notes.append(f"{key} = {default.name}")
        elif isinstance(default, (set, frozenset)):
            found[key] = sorted(default)
        elif isinstance(default, (tuple, list)) and any(isinstance(item, Ref) for item in default):
            found[key] = OBJECT  # `x: int = field(default=1),` in PEFT 0.19: the comma makes it a tuple.
    return found, notes


def _lineage(name: str, classes: Mapping[str, ClassSource]) -> list[str]:
    """The class and its known bases, nearest first; the libraries' configs inherit in single file."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        one = waiting.pop(0)
        if one in classes and one not in found:
            found.append(one)
            waiting.extend(classes[one].bases)
    return found
