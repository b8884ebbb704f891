"""Sub-configurations of a class: which class reads each of them, or that AutoConfig does, by its model_type."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.configs.fields import functions

AUTO = "AutoConfig"


def sub_configs(node: ast.ClassDef) -> dict[str, Any]:
    """Entries "s:KEY": [class or "AutoConfig", the type that it takes when none is given, {"set": keys in it}].

    The keys are those that the class's own code sets or removes first; "model_type" among them means that a type that
    is not known may be rewritten. What is empty at the end is left out.

    From `sub_configs_defaults` (5.20), else from `sub_configs` (4.47), else from what __init__ does with its arguments.
    """
    methods = functions(node)
    bodies = [methods[name] for name in ("__init__", "__post_init__") if name in methods]
    made = dict(one for body in bodies for one in _made(body))
    types = {key: text for body in bodies for key, text in _default_types(body)}
    declared = _declared(node)
    touched = [one for body in bodies for one in _touched(body)]
    found: dict[str, Any] = {}
    for key, (name, given) in {**made, **declared}.items():
        # Before 5.20 `sub_configs` is a mere list: it often says AutoConfig where the code names one class.
        if key in made and made[key][0] != AUTO:
            name = made[key][0]
        given = given or (types.get(key, "") if name == AUTO else "")
        keys = sorted({item for owner, item in touched if owner in (key, "")})
        found[f"s:{key}"] = [name, given, {"set": keys}] if keys else [name, given] if given else [name]
    return found


def _declared(node: ast.ClassDef) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        value = getattr(item, "value", None)
        if isinstance(target, ast.Name) and target.id.startswith("sub_configs") and isinstance(value, ast.Dict):
            for key, spec in zip(value.keys, value.values):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found[key.value] = _spec(spec)
    return found


def _spec(node: ast.expr) -> tuple[str, str]:
    if isinstance(node, ast.Call):
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        given = options.get("model_type")
        name = options.get("config_class") or (node.args[0] if node.args else None)
        text = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""
        return (ast.unparse(name) if name is not None else AUTO), text
    return ast.unparse(node).rpartition(".")[2], ""


def _made(function: ast.FunctionDef) -> Iterator[tuple[str, tuple[str, str]]]:
    """`self.KEY = Class(**KEY)`: (key, (class name or AutoConfig, ""))."""
    arguments = {one.arg for one in function.args.args}
    for item in ast.walk(function):
        if not isinstance(item, ast.Assign) or not isinstance(item.value, ast.Call):
            continue
        target, call = item.targets[0], item.value
        unpacked = [keyword.value for keyword in call.keywords if keyword.arg is None]
        key = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if not unpacked or not (isinstance(target, ast.Attribute) or key in arguments):
            continue
        if not any(_names(value, key) for value in unpacked):
            continue
        text = ast.unparse(call.func)
        if text.endswith("Config") and "." not in text:
            yield key, (text, "")
        elif text.startswith(("CONFIG_MAPPING[", "AutoConfig.for_model")):
            yield key, (AUTO, "")


def _names(node: ast.expr, key: str) -> bool:
    """Whether an expression is KEY, self.KEY or a dictionary that takes it in."""
    return any(getattr(part, "id", None) == key or getattr(part, "attr", None) == key for part in ast.walk(node))


def _touched(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """(KEY, key in it) of what is set in or taken from `self.KEY` while it is a dictionary; KEY "" for a local name."""
    for item in ast.walk(function):
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Subscript):
            owner, key = item.targets[0].value, getattr(item.targets[0].slice, "value", None)
            if key == "model_type" and isinstance(item.value, ast.Constant):
                yield getattr(owner, "id", "") or _owner(owner), key
            elif isinstance(key, str) and key != "model_type" and ast.unparse(owner).startswith("self."):
                yield _owner(owner), key
        elif isinstance(item, ast.Assign) and isinstance(item.value, ast.Call) and _fixed(item.value):
            yield _owner(item.targets[0]), "model_type"
        elif isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.args:
            first, owner = item.args[0], item.func.value
            if item.func.attr == "update" and isinstance(first, ast.Dict):
                for one in first.keys:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield _owner(owner), one.value
            elif item.func.attr == "pop" and ast.unparse(owner).startswith("self."):
                key = getattr(first, "value", None)
                if isinstance(key, str) and key != "model_type":
                    yield _owner(owner), key


def _fixed(call: ast.Call) -> bool:
    """`CONFIG_MAPPING["modernbert"](**self.text_config)`: one type, whatever is written there."""
    table = call.func
    return (
        isinstance(table, ast.Subscript) and isinstance(table.slice, ast.Constant)
        and any(one.arg is None and ast.unparse(one.value).startswith("self.") for one in call.keywords)
    )  # fmt: skip


def _owner(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _default_types(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """(key, type) of `KEY.get("model_type", "type")` and of `CONFIG_MAPPING["type"]()` set as KEY."""
    for item in ast.walk(function):
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.func.attr == "get":
            values = [arg.value for arg in item.args if isinstance(arg, ast.Constant)]
            if len(values) == 2 and values[0] == "model_type" and isinstance(values[1], str):
                yield ast.unparse(item.func.value).removeprefix("self."), values[1]
        elif isinstance(item, ast.Assign) and isinstance(item.value, ast.Call):
            function_name = item.value.func
            if isinstance(function_name, ast.Subscript) and ast.unparse(function_name.value) == "CONFIG_MAPPING":
                given = getattr(function_name.slice, "value", None)
                if isinstance(given, str):
                    yield ast.unparse(item.targets[0]).removeprefix("self."), given
