"""Sub-configurations of a class: which class reads each of them, or that AutoConfig does, by its model_type."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.configs.fields import functions

AUTO = "AutoConfig"


def sub_configs(node: ast.ClassDef) -> dict[str, Any]:
    """Entries "s:KEY": [class name or "AutoConfig"], then the model type that AutoConfig takes when none is given.

    From `sub_configs_defaults` (5.20), else from `sub_configs` (4.47), else from what __init__ does with its arguments.
    """
    methods = functions(node)
    bodies = [methods[name] for name in ("__init__", "__post_init__") if name in methods]
    made = dict(one for body in bodies for one in _made(body))
    types = {key: text for body in bodies for key, text in _default_types(body)}
    declared = _declared(node)
    found: dict[str, Any] = {}
    for key, (name, given) in {**made, **declared}.items():
        # `sub_configs` often says AutoConfig where the code names one class, and the other way round it never does.
        if name == AUTO and key in made and made[key][0] != AUTO:
            name = made[key][0]
        given = given or (types.get(key, "") if name == AUTO else "")
        found[f"s:{key}"] = [name, given] if given else [name]
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
    for item in ast.walk(function):
        if not isinstance(item, ast.Assign) or not isinstance(item.value, ast.Call):
            continue
        target, call = item.targets[0], item.value
        unpacked = [keyword.value for keyword in call.keywords if keyword.arg is None]
        if not unpacked or not isinstance(target, ast.Attribute):
            continue
        key = target.attr
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
