"""Works out the tables in a module's source without running it: literals, and what the libraries build them with.

It knows the handful of forms in which tables are written (see `Evaluator.value` and `Evaluator.run`); classes and calls
of them stay `Ref`s; every optional package but mistral_common is taken for installed; and what it cannot work out is
noted, not guessed.
"""

from __future__ import annotations

import ast
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from checkpoint_doctor.knowledge.build.operators import ARITHMETIC, COMPARISONS, UNARY

_AVAILABLE = re.compile(r"is_\w+")
# Of the optional packages the one that hardly anybody has: it replaces tokenizers instead of adding to them.
_ABSENT = {"is_mistral_common_available"}
_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "OrderedDict": OrderedDict, "dict": dict, "list": list, "tuple": tuple, "set": set, "frozenset": frozenset,
    "sorted": sorted, "len": len, "str": str, "zip": lambda *parts: list(zip(*parts)),
    "enumerate": lambda *parts: list(enumerate(*parts)), "range": lambda *parts: list(range(*parts)[:10_000]),
}  # fmt: skip
_METHODS = {
    dict: {"keys", "values", "items", "copy", "get"},
    str: {"lower", "upper", "replace", "removeprefix", "removesuffix", "split", "strip", "join", "startswith"},
    list: {"copy", "index"},
    set: {"union", "difference", "copy"},
    frozenset: {"union", "difference"},
    tuple: {"index"},
}
_CHANGES = {dict: {"update", "pop", "setdefault"}, list: {"append", "extend"}, set: {"add", "update"}}


class Unevaluated(Exception):
    """An expression that this cannot work out; the message says which."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A class, function or module by name; `called` when it is the result of calling it."""

    name: str
    called: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A statement that could not be worked out.

    Attributes:
        name: what it would have set or changed.
    """

    line: int
    name: str
    why: str


# Gives the names of a module that is imported from, or None when it is not to be followed.
Follow = Callable[[ast.ImportFrom], "Mapping[str, Any] | None"]


@dataclass
class Evaluator:
    """The names of one module or function body, as far as it was run.

    Attributes:
        names: all that has been set, imported or defined so far.
        notes: what could not be worked out.
        returned: the value of the first `return`.
    """

    names: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    follow: Follow = lambda node: None
    returned: Any = None
    done: bool = False

    # Statements

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Go through statements in order; what fails is noted and passed over."""
        for statement in body:
            if self.done:
                return
            try:
                self._statement(statement)
            except Unevaluated as problem:
                self.notes.append(Note(statement.lineno, _target(statement), str(problem)))
            except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as problem:
                self.notes.append(Note(statement.lineno, _target(statement), f"{type(problem).__name__}: {problem}"))

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.names[node.name] = Ref(node.name)
        elif isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, self.value(node.value))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            combined = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            self.names[node.target.id] = self.value(combined)
        elif isinstance(node, ast.If):
            self.run(node.body if self.holds(node.test) else node.orelse)
        elif isinstance(node, ast.Try):
            self.run([*node.body, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With):
            self.run(node.body)
        elif isinstance(node, ast.For):
            for item in list(self.value(node.iter)):
                self._assign(node.target, item)
                self.run(node.body)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.Return):
            self.returned, self.done = (self.value(node.value) if node.value else None), True
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._change(node.value)
        elif isinstance(node, (ast.While, ast.AugAssign)):
            raise Unevaluated(f"{type(node).__name__} statement")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        known = (self.follow(node) if isinstance(node, ast.ImportFrom) else None) or {}
        for alias in node.names:
            if alias.name == "*":
                self.names.update(known)
            else:
                self.names[alias.asname or alias.name.split(".")[0]] = known.get(alias.name, Ref(alias.name))

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = list(value)
            if len(values) != len(target.elts):
                raise Unevaluated("unpacking of another length")
            for one, item in zip(target.elts, values):
                self._assign(one, item)
        elif isinstance(target, ast.Subscript):
            self.value(target.value)[self.value(target.slice)] = value
        elif not isinstance(target, ast.Attribute):
            raise Unevaluated(f"assignment to {ast.unparse(target)}")

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            del self.value(target.value)[self.value(target.slice)]

    def _change(self, call: ast.Call) -> None:
        """A call for its effect: tables are changed, anything else (warnings, registrations) is of no interest."""
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            owner = self.names.get(call.func.value.id)
            for kind, methods in _CHANGES.items():
                if isinstance(owner, kind) and call.func.attr in methods:
                    arguments, options = self._arguments(call)
                    getattr(owner, call.func.attr)(*arguments, **options)

    # Expressions

    def value(self, node: ast.expr) -> Any:
        """What an expression comes to.

        Raises:
            Unevaluated: it is of a form that this does not know.
        """
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Unevaluated(f"{type(node).__name__}: {ast.unparse(node)[:80]}")
        return method(node)

    def holds(self, test: ast.expr) -> bool:
        """Whether a condition is met where every optional package is installed and nobody checks types."""
        if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
            return False
        if isinstance(test, ast.Call) and _AVAILABLE.fullmatch(_last(test.func)):
            return _last(test.func) not in _ABSENT
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return not self.holds(test.operand)
        if isinstance(test, ast.BoolOp):
            return (all if isinstance(test.op, ast.And) else any)(self.holds(part) for part in test.values)
        return bool(self.value(test))

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise Unevaluated(f"unknown name {node.id}")
        return self.names[node.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(self.value(node.value), Ref):
            return Ref(ast.unparse(node))
        raise Unevaluated(f"attribute {ast.unparse(node)[:80]}")

    def _items(self, nodes: Iterable[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found.extend(self.value(node.value))
            else:
                found.append(self.value(node))
        return found

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._items(node.elts))

    def _list(self, node: ast.List) -> Any:
        return self._items(node.elts)

    def _set(self, node: ast.Set) -> Any:
        return set(self._items(node.elts))

    def _dict(self, node: ast.Dict) -> Any:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values):
            if key is None:
                found.update(self.value(value))
            else:
                found[self.value(key)] = self.value(value)
        return found

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.holds(node.test) else node.orelse)

    def _binop(self, node: ast.BinOp) -> Any:
        return ARITHMETIC[type(node.op)](self.value(node.left), self.value(node.right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return UNARY[type(node.op)](self.value(node.operand))

    def _boolop(self, node: ast.BoolOp) -> Any:
        return self.holds(node)

    def _compare(self, node: ast.Compare) -> Any:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        return all(COMPARISONS[type(op)](a, b) for op, a, b in zip(node.ops, values, values[1:]))

    def _subscript(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        return Ref(ast.unparse(node)) if isinstance(owner, Ref) else owner[self.value(node.slice)]

    def _slice(self, node: ast.Slice) -> Any:
        return slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))

    def _joinedstr(self, node: ast.JoinedStr) -> Any:
        parts = (part.value if isinstance(part, ast.FormattedValue) else part for part in node.values)
        return "".join(str(self.value(part)) for part in parts)

    def _lambda(self, node: ast.Lambda) -> Any:
        return Ref("lambda")

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        return [inner.value(node.elt) for inner in self._loops(node.generators)]

    _generatorexp = _listcomp

    def _setcomp(self, node: ast.SetComp) -> Any:
        return {inner.value(node.elt) for inner in self._loops(node.generators)}

    def _dictcomp(self, node: ast.DictComp) -> Any:
        return {inner.value(node.key): inner.value(node.value) for inner in self._loops(node.generators)}

    def _loops(self, loops: list[ast.comprehension]) -> Iterable[Evaluator]:
        if not loops:
            yield self
            return
        for item in list(self.value(loops[0].iter)):
            inner = Evaluator(dict(self.names), self.notes, self.follow)
            inner._assign(loops[0].target, item)
            if all(inner.holds(test) for test in loops[0].ifs):
                yield from inner._loops(loops[1:])

    def _arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        options: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            options.update(value if keyword.arg is None else {keyword.arg: value})
        return self._items(node.args), options

    def _call(self, node: ast.Call) -> Any:
        function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
        name = _last(function)
        if isinstance(function, ast.Name) and name in _CONSTRUCTORS:
            arguments, options = self._arguments(node)
            return _CONSTRUCTORS[name](*arguments, **options)
        if isinstance(function, ast.Attribute):
            owner = self.value(function.value)
            for kind, methods in _METHODS.items():
                if isinstance(owner, kind) and name in methods:
                    arguments, options = self._arguments(node)
                    return getattr(owner, name)(*arguments, **options)
        return Ref(ast.unparse(function), called=True)


def _last(function: ast.expr) -> str:
    """The last name of `a.b.c`."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _target(node: ast.stmt) -> str:
    """What a statement sets or changes, for notes."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])[:80]
    if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For)):
        return ast.unparse(node.target)[:80]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func)[:80]
    return type(node).__name__
