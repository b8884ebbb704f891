"""Annotations of strict configuration classes, as the short text that versions/annotations.py reads.

The library's own spelling without blanks: "int|None", "list[int]|tuple[int,...]", "Literal['a','b']"; a validator
behind the field follows after "&": "float&interval(min=0.0,max=1.0)". What the library does not check (annotations that
are strings) is "".
"""

from __future__ import annotations

import ast
from collections.abc import Mapping


def aliases(tree: ast.Module) -> Mapping[str, ast.expr]:
    """Module-level names for types: `DtypeType = Literal["float32", …]`."""
    found: dict[str, ast.expr] = {}
    # Some stand behind "if the package that has them is there", with the same types.
    inner = [one for node in tree.body if isinstance(node, ast.If) for one in (*node.body, *node.orelse)]
    for node in (*tree.body, *inner):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value, name = node.value, node.targets[0].id
            if isinstance(value, (ast.Subscript, ast.BinOp)) and name[:1].isupper() and not name.isupper():
                found[name] = value
    return found


def lazy(tree: ast.Module) -> bool:
    """Whether all annotations of the module are strings, which are not checked."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(a.name == "annotations" for a in node.names)
        for node in tree.body
    )


def annotation(node: ast.expr, value: ast.expr | None, known: Mapping[str, ast.expr]) -> str:
    """The text for one field; "" when nothing is checked."""
    text = "" if _is_text(node) else _text(node, known)
    validator = _validator(value)
    return f"{text}&{validator}" if validator else text


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.expr, known: Mapping[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        return _text(known[node.id], {}) if node.id in known else node.id
    if isinstance(node, ast.Attribute):
        return node.attr if ast.unparse(node.value) in ("typing", "collections.abc") else ast.unparse(node)
    if isinstance(node, ast.BinOp):
        return f"{_text(node.left, known)}|{_text(node.right, known)}"
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        owner = _text(node.value, known)
        if owner == "Literal":
            return f"Literal[{','.join(ast.unparse(item) for item in inner)}]"
        parts = ["Text" if _is_text(item) else _text(item, known) for item in inner]
        if owner in ("Union", "Optional"):
            return "|".join([*parts, "None"] if owner == "Optional" else parts)
        return f"{owner.lower() if owner in ('List', 'Dict', 'Tuple', 'Set') else owner}[{','.join(parts)}]"
    if isinstance(node, ast.Constant):
        return "..." if node.value is ... else "None" if node.value is None else "Text"
    return "Text"


def _validator(value: ast.expr | None) -> str:
    """The check that a field specifier adds: `interval(min=0.0)(default=…)`, `positive_int_field(default=…)`."""
    if not isinstance(value, ast.Call):
        return ""
    if isinstance(value.func, ast.Call):
        return ast.unparse(value.func).replace(" ", "")
    name = getattr(value.func, "id", "")
    plain = {"field", "dict", "list", "tuple", "float", "int", "set", "OrderedDict"}
    return "" if not name or name in plain or not name.islower() else name
