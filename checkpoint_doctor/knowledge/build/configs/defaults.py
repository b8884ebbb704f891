"""Default values of configuration fields as JSON: what is no plain value is written as {"$": its source text}."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref, Unevaluated

_LONGEST = 4000  # Characters of one default as JSON-like text; longer tables are named by their source, cut.
REQUIRED = {"$": "required"}


class _Opaque(Exception):
    """A value that JSON does not have."""


def constants(tree: ast.Module) -> Mapping[str, Any]:
    """The module's own simple names, for defaults such as `STAGES` or `*_PRETRAINED`."""
    evaluator = Evaluator({"float": float})
    simple = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    evaluator.run(simple)
    return evaluator.names


def default(node: ast.expr | None, names: Mapping[str, Any]) -> Any:
    """A default as JSON; field specifiers such as `interval(min=0.0)(default=1)` by the default that they give."""
    if node is None:
        return REQUIRED
    if isinstance(node, ast.Call):
        inner = _given(node)
        if inner is not None:
            return default(inner, names)
    try:
        found = _json(Evaluator(dict(names)).value(node))
    except (Unevaluated, _Opaque, KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        return {"$": ast.unparse(node)[:200]}
    return found if len(str(found)) <= _LONGEST else {"$": ast.unparse(node)[:200]}


def _given(call: ast.Call) -> ast.expr | None:
    """The default inside a field specifier."""
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    name = getattr(call.func, "id", "")
    if name in ("dict", "list", "tuple", "float", "OrderedDict"):
        return None
    if "default" in options:
        return options["default"]
    factory = options.get("default_factory")
    if isinstance(factory, ast.Lambda):
        return factory.body
    if isinstance(factory, ast.Name) and factory.id in ("list", "dict", "tuple"):
        return ast.List([], ast.Load()) if factory.id != "dict" else ast.Dict([], [])
    return None


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise _Opaque
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, dict) and "$" not in value and "@" not in value:
        return {_key(key): _json(item) for key, item in value.items()}
    if isinstance(value, Ref):
        raise _Opaque
    raise _Opaque


def _key(key: Any) -> str:
    if isinstance(key, (str, int)) and not isinstance(key, bool):
        return str(key)
    raise _Opaque
