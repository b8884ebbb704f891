"""The operators that tables are written with, bounded so that no source can make them costly."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sized
from typing import Any

_LIMIT = 100_000


def _times(left: Any, right: Any) -> Any:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Sized) and isinstance(other, int) and len(one) * other > _LIMIT:
            raise ValueError("too long a repetition")
    return left * right


def _power(left: Any, right: Any) -> Any:
    if abs(right) > 64:
        raise ValueError("too large a power")
    return left**right


def _shift(left: Any, right: Any) -> Any:
    if right > 64:
        raise ValueError("too large a shift")
    return left << right


ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.LShift: _shift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
