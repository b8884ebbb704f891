"""Works out the conditions of class validators, in the library's own words, on plain values: no name, no call is run.

Known are comparison, arithmetic, and/or/not, `len`, `sum`, `min`, `max`, `int`, `isinstance` with plain types, `all`
and `any` over one loop. All else, and any error on the way, is `Unknown`, which means: say nothing.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol

_LIMIT = 1 << 62
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict, "tuple": tuple}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len, "sum": sum, "min": min, "max": max, "int": int, "all": all, "any": any, "set": set, "sorted": sorted,
    "list": list, "tuple": tuple, "str": str,
}  # fmt: skip


class Unknown(Exception):
    """It cannot be said."""


class Names(Protocol):
    """What `self.NAME` is; raises Unknown. A nested configuration is a Names itself."""

    def get(self, name: str) -> Any: ...


def holds(condition: str, names: Names) -> bool:
    """Whether a condition is met; False when it cannot be said."""
    try:
        return bool(_value(_parsed(condition), names, {}))
    except (Unknown, TypeError, ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError, RecursionError):
        return False


def breaks(expression: str, names: Names) -> str:
    """The error with which working out an expression ends, "" when it does not or cannot be said."""
    try:
        _value(_parsed(expression), names, {})
    except (TypeError, ZeroDivisionError, KeyError) as problem:
        return f"{type(problem).__name__}: {problem}"
    except (Unknown, ValueError, IndexError, OverflowError, RecursionError):
        pass
    return ""


def value(expression: str, names: Names) -> Any:
    """What an expression comes to.

    Raises:
        Unknown: it cannot be said.
    """
    try:
        return _value(_parsed(expression), names, {})
    except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError, RecursionError):
        raise Unknown from None


def text(message: str, names: Names) -> str:
    """An f-string's text, "…" for what cannot be said."""
    try:
        node = _parsed(message)
    except Unknown:
        return ""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(_part(part, names) for part in parts)


def _part(part: ast.expr, names: Names) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    if isinstance(part, ast.FormattedValue):
        try:
            found = str(_value(part.value, names, {}))
        except (Unknown, TypeError, ValueError, KeyError, IndexError, ArithmeticError, RecursionError):
            return "…"
        return found if len(found) <= 60 else found[:60] + "…"
    return "…"


def readable(condition: str) -> bool:
    """Whether a condition has only forms that `holds` knows; for the builder, which leaves the others out."""
    known = (
        ast.Constant, ast.Name, ast.Attribute, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Call, ast.Subscript,
        ast.List, ast.Tuple, ast.Set, ast.GeneratorExp, ast.comprehension, ast.operator, ast.cmpop, ast.boolop,
        ast.unaryop, ast.expr_context, ast.IfExp, ast.Dict,
    )  # fmt: skip
    try:
        nodes = list(ast.walk(_parsed(condition)))
    except Unknown:
        return False
    loops = {
        node.target.id for node in nodes if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name)
    }
    for node in nodes:
        if not isinstance(node, known) or isinstance(node, ast.Pow):
            return False
        if isinstance(node, ast.Name) and node.id not in {"self", "isinstance", *_FUNCTIONS, *_TYPES, *loops}:
            return False
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name) and not _is_get(node):
            return False
        if isinstance(node, ast.Dict) and node.keys:
            return False
    return True


def _is_get(node: ast.Call) -> bool:
    """`x.get("key")` or `x.pop("key", default)`, which comes to the same."""
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop") and not node.keywords


@lru_cache(maxsize=256)
def _parsed(condition: str) -> ast.expr:
    try:
        return ast.parse(condition, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise Unknown from None


def _value(node: ast.expr, names: Names, local: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        if node.id in local:
            return local[node.id]
        raise Unknown
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return names.get(node.attr)
        owner = _value(node.value, names, local)
        if hasattr(owner, "get") and not isinstance(owner, dict):
            return owner.get(node.attr)
        raise Unknown
    if isinstance(node, ast.BoolOp):
        return _both(node, names, local)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, names, local)
        return not inner if isinstance(node.op, ast.Not) else -_number(inner)
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, names, local) else node.orelse, names, local)
    if isinstance(node, ast.BinOp):
        left, right = (_value(side, names, local) for side in (node.left, node.right))
        if type(node.op) not in _ARITHMETIC:
            raise Unknown
        return _ARITHMETIC[type(node.op)](*_operands(node.op, left, right))
    if isinstance(node, ast.Compare):
        values = [_value(part, names, local) for part in (node.left, *node.comparators)]
        return all(_COMPARE[type(op)](a, b) for op, a, b in zip(node.ops, values, values[1:]))
    if isinstance(node, ast.Dict):
        return {}
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [_value(item, names, local) for item in node.elts]
    if isinstance(node, ast.Subscript):
        return _item(_value(node.value, names, local), _value(node.slice, names, local))
    if isinstance(node, ast.Call):
        return _called(node, names, local)
    raise Unknown


def _both(node: ast.BoolOp, names: Names, local: dict[str, Any]) -> Any:
    found: Any = None
    for part in node.values:
        found = _value(part, names, local)
        if bool(found) != isinstance(node.op, ast.And):
            return found
    return found


def _operands(operator_: ast.operator, left: Any, right: Any) -> tuple[Any, Any]:
    """Two numbers.

    Raises:
        Unknown: lists or strings that can be added or repeated.
        TypeError: values that this operator does not take, as in the library.
    """
    for value in (left, right):
        if value is not None and not isinstance(value, (int, float, str, list, dict)):
            raise Unknown
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return _number(left), _number(right)
    repeated = isinstance(operator_, ast.Mult) and {int, bool} & {type(left), type(right)}
    added = isinstance(operator_, ast.Add) and type(left) is type(right)
    if (repeated or added) and isinstance(left, (str, list, int)) and isinstance(right, (str, list, int)):
        raise Unknown
    raise TypeError(f"unsupported operand type(s): '{type(left).__name__}' and '{type(right).__name__}'")


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)) and abs(value) < _LIMIT:
        return value
    raise Unknown


def _item(owner: Any, key: Any) -> Any:
    if isinstance(owner, (list, dict, str)):
        return owner[key]
    raise Unknown


def _called(node: ast.Call, names: Names, local: dict[str, Any]) -> Any:
    if isinstance(node.func, ast.Attribute) and _is_get(node):
        owner = _value(node.func.value, names, local)
        if not isinstance(owner, dict):
            raise Unknown
        return owner.get(*(_value(one, names, local) for one in node.args[:2]))
    function = node.func.id if isinstance(node.func, ast.Name) else ""
    if function == "isinstance" and len(node.args) == 2:
        kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
        wanted = tuple(_TYPES[kind.id] for kind in kinds if isinstance(kind, ast.Name) and kind.id in _TYPES)
        if len(wanted) != len(kinds):
            raise Unknown
        asked = _value(node.args[0], names, local)
        if getattr(asked, "unsure", False):
            raise Unknown
        return isinstance(asked, wanted)
    if function not in _FUNCTIONS or node.keywords:
        raise Unknown
    arguments = [
        list(_loop(one, names, local)) if isinstance(one, ast.GeneratorExp) else _value(one, names, local)
        for one in node.args
    ]
    return _FUNCTIONS[function](*arguments)


def _loop(node: ast.GeneratorExp, names: Names, local: dict[str, Any]) -> Iterator[Any]:
    loop = node.generators[0]
    items = _value(loop.iter, names, local)
    if len(node.generators) != 1 or not isinstance(loop.target, ast.Name) or not isinstance(items, list):
        raise Unknown
    for item in items[:10_000]:
        inner = {**local, loop.target.id: item}
        if all(_value(test, names, inner) for test in loop.ifs):
            yield _value(node.elt, names, inner)
