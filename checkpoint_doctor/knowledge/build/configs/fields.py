"""The fields of one configuration class: parameters of __init__ up to 5.3, a strict dataclass's own from 5.4 on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.knowledge.build.configs.defaults import default
from checkpoint_doctor.knowledge.build.configs.types import annotation

ROOTS = ("PretrainedConfig", "PreTrainedConfig")


def functions(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """A class's own methods."""
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


def of_init(node: ast.ClassDef, names: Mapping[str, Any]) -> dict[str, Any]:
    """Entries "f:NAME" for __init__'s parameters, of the root also what it pops; "closed" if nothing else is taken."""
    init = functions(node).get("__init__")
    if init is None:
        return {}
    arguments = [*init.args.posonlyargs, *init.args.args][1:]
    missing: list[ast.expr | None] = [None] * (len(arguments) - len(init.args.defaults))
    pairs = [*zip(arguments, [*missing, *init.args.defaults]), *zip(init.args.kwonlyargs, init.args.kw_defaults)]
    found = {f"f:{argument.arg}": default(value, names) for argument, value in pairs}
    if node.name in ROOTS:
        found.update({f"f:{name}": default(value, names) for name, value in popped(init)})
    elif init.args.kwarg is None:
        found["closed"] = True
    return found


def of_dataclass(
    node: ast.ClassDef, names: Mapping[str, Any], known: Mapping[str, ast.expr], strict: bool
) -> dict[str, Any]:
    """Entries "f:NAME", and "t:NAME" for what is checked, from the annotated names of the class body."""
    found: dict[str, Any] = {}
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        if ast.unparse(item.annotation).startswith("ClassVar") or item.target.id.startswith("__"):
            continue
        found[f"f:{item.target.id}"] = default(item.value, names)
        text = annotation(item.annotation, item.value, known) if strict else ""
        if text:
            found[f"t:{item.target.id}"] = text
    return found


def popped(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr | None]]:
    """What a method takes out of its keyword arguments: (name, default) of each `kwargs.pop("name", default)`."""
    for call in ast.walk(function):
        if (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "pop"
            and isinstance(call.func.value, ast.Name) and call.func.value.id == "kwargs" and call.args
            and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        ):  # fmt: skip
            yield call.args[0].value, call.args[1] if len(call.args) > 1 else None
