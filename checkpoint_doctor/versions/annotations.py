"""Whether a JSON value passes the type of a strict field, as huggingface_hub's `type_validator` decides it.

Types are written in the library's spelling without blanks, a validator behind "&" (knowledge/build/configs/types.py).
An int is no float there, a bool no int, a list no tuple; names of classes match no JSON value, other names anything.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import Any

_PLAIN: dict[str, type] = {
    "int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict, "tuple": tuple, "set": set,
    "None": type(None),
}  # fmt: skip
_SHOWN = 60
Mismatch = str | None


def mismatch(field: str, value: Any, text: str) -> Mismatch:
    """What the library says about a value, for example "TypeError: Field 'n' expected int, got str (value: '3')".

    None when it takes the value, or when nothing sure can be said.
    """
    kind, _, validator = text.partition("&")
    if _simple(kind, value) is True:
        return _validated(value, validator) if validator else None
    node = _parsed(kind)
    said = _check(field, value, node) if node is not None else None
    if said is not None:
        return f"TypeError: {said}"
    return _validated(value, validator) if validator else None


def _simple(text: str, value: Any) -> bool:
    """Whether one of the plain names of a union takes the value; the way nearly all values go."""
    if value is None:
        return text.endswith("|None")
    front, bracket, _ = text.partition("[")
    names = front.split("|")
    return type(value).__name__ in (names[:-1] if bracket else names)


@lru_cache(maxsize=512)
def _parsed(text: str) -> ast.expr | None:
    if not text:
        return None
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def _check(field: str, value: Any, node: ast.expr) -> Mismatch:
    if isinstance(node, ast.BinOp):
        options = _options(node)
        if any(_check(field, value, one) is None for one in options):
            return None
        names = ", ".join(_shown(one) for one in options)
        return f"Field '{field}' with value {short(value)} doesn't match any type in ({names})"
    if isinstance(node, ast.Constant):
        return None if value is None else f"Field '{field}' expected None, got {type(value).__name__}"
    if isinstance(node, ast.Name):
        return _named(field, value, node.id)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inside = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _within(field, value, node.value.id, inside)
    return None


def _options(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_options(node.left), *_options(node.right)]
    return [node]


def _named(field: str, value: Any, name: str) -> Mismatch:
    wanted = _PLAIN.get(name)
    if wanted is None:
        # A configuration object or a TypedDict: no JSON value is one. Other names are not ours to judge.
        foreign = name.endswith("Config") or name == "RopeParameters"
        return f"Field '{field}' expected {name}, got {type(value).__name__}" if foreign else None
    if isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return None
    return f"Field '{field}' expected {name}, got {type(value).__name__} (value: {short(value)})"


def _within(field: str, value: Any, name: str, inside: list[ast.expr]) -> Mismatch:
    if name == "Literal":
        return _literal(field, value, inside)
    if name in ("list", "Sequence"):
        if isinstance(value, str) and name == "Sequence":
            value = list(value)
        if not isinstance(value, list):
            return f"Field '{field}' expected a {name}, got {type(value).__name__}"
        wrong = any(_check(field, item, inside[0]) is not None for item in value[:10_000])
        at = next((i for i, item in enumerate(value[:10_000]) if _check(field, item, inside[0])), 0) if wrong else 0
        return f"Invalid item at index {at} in {name.lower()} '{field}'" if wrong else None
    if name == "dict":
        if not isinstance(value, dict):
            return f"Field '{field}' expected a dict, got {type(value).__name__}"
        if len(inside) != 2 or len(value) > 10_000:
            return None
        for key, item in value.items():
            if _check(field, key, inside[0]) is not None or _check(field, item, inside[1]) is not None:
                return f"Invalid key or value in dict '{field}'"
        return None
    return f"Field '{field}' expected a tuple, got {type(value).__name__}" if name == "tuple" else None


def _literal(field: str, value: Any, inside: list[ast.expr]) -> Mismatch:
    try:
        options = [ast.literal_eval(one) for one in inside]
    except ValueError:
        return None
    same = [one for one in options if isinstance(one, bool) == isinstance(value, bool)]
    if isinstance(value, (dict, list)) or value not in same:
        return f"Field '{field}' expected one of {tuple(options)}, got {short(value)}"
    return None


def short(value: Any) -> str:
    """A value as Python writes it, cut; neither length nor depth of it can make that costly."""
    if isinstance(value, (list, dict)) and (len(value) > _SHOWN or _deep(value)):
        return "[…]" if isinstance(value, list) else "{…}"
    text = repr(value[: 2 * _SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _deep(value: Any, left: int = 4) -> bool:
    """Whether there are lists in lists further down than messages show, or long ones."""
    if not isinstance(value, (list, dict)):
        return isinstance(value, str) and len(value) > 10_000
    if not left or len(value) > _SHOWN:
        return True
    return any(_deep(item, left - 1) for item in (value.values() if isinstance(value, dict) else value))


def _shown(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return "<class 'NoneType'>"
    if isinstance(node, ast.Name) and node.id in _PLAIN:
        return f"<class '{node.id}'>"
    return ast.unparse(node)


# Validators behind a field


def _validated(value: Any, text: str) -> Mismatch:
    check = _validator(text)
    return check(value) if check is not None else None


@lru_cache(maxsize=64)
def _validator(text: str) -> Callable[[Any], Mismatch] | None:
    node = _parsed(text)
    if isinstance(node, ast.Name) and node.id == "positive_int_field":
        return _positive
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        try:
            options = {one.arg: ast.literal_eval(one.value) for one in node.keywords}
        except ValueError:
            return None
        if node.func.id == "interval" and not {"exclude_min", "exclude_max"} & options.keys() and not node.args:
            return lambda value: _interval(value, options.get("min"), options.get("max"))
        if node.func.id == "is_divisible_by" and isinstance(options.get("divisor"), int):
            return lambda value: _divisible(value, options["divisor"])
    return None


def _positive(value: Any) -> Mismatch:
    if value is None or (isinstance(value, int) and value > 0):
        return None
    return f"ValueError: Value must be a positive integer, got {short(value)}"


def _interval(value: Any, least: Any, most: Any) -> Mismatch:
    if not isinstance(value, (int, float)):
        kind = type(value).__name__
        return f"TypeError: '<=' not supported between instances of 'float' and '{kind}'"
    if (least is None or least <= value) and (most is None or value <= most):
        return None
    bounds = [
        *([f"greater or equal to {least}"] if least is not None else []),
        *([f"smaller or equal to {most}"] if most is not None else []),
    ]
    return f"ValueError: Value must be {' and '.join(bounds)}, got {short(value)}."


def _divisible(value: Any, divisor: int) -> Mismatch:
    if isinstance(value, int) and value % divisor:
        return f"ValueError: Value has to be divisible by {divisor} but got value={value}"
    return None
