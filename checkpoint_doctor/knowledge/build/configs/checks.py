"""The class validators of strict configuration classes as conditions: [condition, exception, message].

A condition is the library's own expression on `self`, for example "self.hidden_size % self.num_attention_heads != 0",
of the forms that knowledge/conditions.py knows; the others are left out. The message is an f-string. ["super"] comes
first where the parent's validator of that name is called, too.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.configs.fields import functions
from checkpoint_doctor.knowledge.conditions import readable

Check = list[str]  # condition, exception, message; or ["super"]
_LONGEST = 300


def checks(node: ast.ClassDef) -> dict[str, list[Check]]:
    """Entries "c:VALIDATOR" with the conditions under which it raises, and whether it calls its parent's first."""
    found: dict[str, list[Check]] = {}
    for name, method in functions(node).items():
        if name.startswith("validate_") or name == "__post_init__":
            conditions = [one for one in _raises(method.body, [], {}) if readable(one[0])]
            if f"super().{name}()" in ast.unparse(method) and name != "__post_init__":
                conditions.insert(0, ["super"])
            if name != "__post_init__" or conditions:
                found[f"c:{name}"] = conditions
    return found


def _raises(body: list[ast.stmt], given: list[ast.expr], names: dict[str, ast.expr]) -> Iterator[Check]:
    """The raises of a body that can be told from conditions alone; what follows the first doubt is left out."""
    for statement in body:
        if isinstance(statement, ast.Raise):
            yield _check(given, statement, names)
            return
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = _put(statement.value, names)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            names[statement.target.id] = _put(statement.value, names)
        elif isinstance(statement, ast.If):
            test = _put(statement.test, names)
            yield from _raises(statement.body, [*given, test], dict(names))
            if statement.orelse:
                yield from _raises(statement.orelse, [*given, ast.UnaryOp(ast.Not(), test)], dict(names))
            changed = {
                t.id
                for n in ast.walk(statement)
                if isinstance(n, ast.Assign)
                for t in n.targets
                if isinstance(t, ast.Name)
            }
            for name in changed:
                names[name] = ast.Name("unknown", ast.Load())
            if any(isinstance(inner, ast.Return) for inner in ast.walk(statement)):
                return
        elif isinstance(statement, (ast.Return, ast.For, ast.While, ast.Try, ast.With)):
            return


def _check(given: list[ast.expr], statement: ast.Raise, names: dict[str, ast.expr]) -> Check:
    condition = (
        ast.unparse(ast.BoolOp(ast.And(), given)) if len(given) > 1 else ast.unparse(given[0]) if given else "True"
    )
    error = statement.exc
    if isinstance(error, ast.Call):
        message = ast.unparse(_put(error.args[0], names)) if error.args else "''"
        return [condition, ast.unparse(error.func), message if len(message) <= _LONGEST else "'…'"]
    return [condition, ast.unparse(error) if error else "Exception", "''"]


class _Putting(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.names[node.id]) if node.id in self.names else node


def _put(node: ast.expr, names: dict[str, ast.expr]) -> ast.expr:
    """An expression with the local names replaced by what they stand for."""
    changed: ast.expr = _Putting(names).visit(copy.deepcopy(node)) if names else node
    return changed


def assigned(node: ast.ClassDef) -> dict[str, list[str]]:
    """{"set": names of fields that __post_init__ or another method but the validators may change, sorted}.

    A name that is only set where it was None is written with "?" behind it.
    """
    sure: set[str] = set()
    unless_given: set[str] = set()
    for name, method in functions(node).items():
        if not name.startswith("validate_"):
            _assigned(method.body, None, sure, unless_given)
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and any("property" in ast.unparse(d) for d in item.decorator_list):
            sure.add(item.name)
    return {"set": sorted([*sure, *(f"{name}?" for name in unless_given - sure)])} if sure or unless_given else {}


def _assigned(body: list[ast.stmt], empty: str | None, sure: set[str], unless_given: set[str]) -> None:
    for statement in body:
        if isinstance(statement, ast.If):
            test = statement.test
            inner = None
            if isinstance(test, ast.Compare) and ast.unparse(test).endswith(" is None"):
                inner = _attribute(test.left) or None
            _assigned(statement.body, inner, sure, unless_given)
            _assigned(statement.orelse, None, sure, unless_given)
            continue
        for part in ast.walk(statement):
            targets = (
                part.targets
                if isinstance(part, ast.Assign)
                else [part.target]
                if isinstance(part, (ast.AugAssign, ast.AnnAssign))
                else []
            )
            flat = [one for t in targets for one in (t.elts if isinstance(t, ast.Tuple) else [t])]
            for target in flat:
                if ast.unparse(target).endswith("layer_types[-1]"):
                    continue  # Gemma's last layer is made one of full attention: as many as before, and known
                name = _attribute(target.value if isinstance(target, ast.Subscript) else target)
                if name:
                    (unless_given if name == empty or _keeps(part, name) else sure).add(name)


def _attribute(node: ast.expr) -> str:
    """NAME of `self.NAME`, also of `self.NAME.other`."""
    while isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return node.attr
        node = node.value
    return ""


def _keeps(statement: ast.AST, name: str) -> bool:
    """`self.x = self.x if self.x is not None else …` sets only where it was None, `self.x = list(self.x)` nothing."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and ast.unparse(value) in (f"list(self.{name})", f"tuple(self.{name})"):
        return True
    return (
        isinstance(value, ast.IfExp) and ast.unparse(value.body) == f"self.{name}"
        and ast.unparse(value.test) == f"self.{name} is not None"
    )  # fmt: skip
