"""Whether a value clearly satisfies a JSON Schema, told without the library.

Importing jsonschema takes some 50 ms, a third of a whole check, and most files satisfy most schemas. So this answers
True only when it is sure; for everything else, every error and every keyword that is not listed here, the library is
asked. A test holds it against the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}


def satisfied(schema: Any, value: Any) -> bool | None:
    """True: it holds; False: it does not; None: ask the library."""
    if isinstance(schema, bool):
        return schema
    verdict: bool | None = True
    for keyword, wanted in schema.items():
        check = _KEYWORDS.get(keyword)
        one = check(wanted, value, schema) if check else None
        if one is False:
            return False
        if one is None:
            verdict = None
    return verdict


def _all(verdicts: list[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def _same(left: Any, right: Any) -> bool | None:
    """Equality as JSON sees it; containers and numbers of two kinds are left to the library."""
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return None if type(left) is type(right) else False
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _type(wanted: Any, value: Any, _: Schema) -> bool | None:
    return any(_TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _enum(wanted: Any, value: Any, _: Schema) -> bool | None:
    verdicts = [_same(item, value) for item in wanted]
    return True if True in verdicts else None if None in verdicts else False


def _properties(wanted: Any, value: Any, _: Schema) -> bool | None:
    if not isinstance(value, dict):
        return True
    return _all([satisfied(schema, value[name]) for name, schema in wanted.items() if name in value])


def _not(wanted: Any, value: Any, _: Schema) -> bool | None:
    verdict = satisfied(wanted, value)
    return None if verdict is None else not verdict


def _any_of(wanted: Any, value: Any, _: Schema) -> bool | None:
    verdicts = [satisfied(schema, value) for schema in wanted]
    return True if True in verdicts else None if None in verdicts else False


def _if(wanted: Any, value: Any, schema: Schema) -> bool | None:
    condition = satisfied(wanted, value)
    if condition is None:
        return None
    return satisfied(schema.get("then" if condition else "else", True), value)


_KEYWORDS: dict[str, Callable[[Any, Any, Schema], bool | None]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda wanted, value, _: _same(wanted, value),
    "required": lambda wanted, value, _: not isinstance(value, dict) or all(name in value for name in wanted),
    "properties": _properties,
    "minLength": lambda wanted, value, _: not isinstance(value, str) or len(value) >= wanted,
    "pattern": lambda wanted, value, _: not isinstance(value, str) or re.search(wanted, value) is not None,
    "not": _not,
    "anyOf": _any_of,
    "allOf": lambda wanted, value, _: _all([satisfied(schema, value) for schema in wanted]),
    "if": _if,
    "then": lambda wanted, value, schema: True if "if" in schema else None,
    "else": lambda wanted, value, schema: True if "if" in schema else None,
}
