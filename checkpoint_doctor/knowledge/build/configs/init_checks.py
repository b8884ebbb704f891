"""What __init__ of a configuration class before 5.4 refuses, as conditions on its arguments in the form of checks.py.

Besides what it raises itself: ["expression", "", ""] is worked out on the way and fails with values of a wrong type,
and what the library's helpers check is named by the helper, with their arguments as a tuple: ["(self.layer_types,)",
"layer_type_validation", ""]. `self.NAME` is the argument of that name, not the attribute;
`self._given_NAME` is one out of **kwargs, `self._none_NAME` one that is null when it is not given, `self._made` a
configuration that the class makes, and `self._unknown` anything else.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator

from checkpoint_doctor.knowledge.build.configs.fields import ROOTS, functions
from checkpoint_doctor.knowledge.build.configs.putting import Given, Names, Putting, argument, unknown
from checkpoint_doctor.knowledge.conditions import readable

Check = list[str]
HELPERS = {
    "layer_type_validation": ("layer_types", "num_hidden_layers"),
    "get_aligned_output_features_output_indices": ("out_features", "out_indices"),
    "verify_backbone_config_arguments": (
        "use_timm_backbone", "use_pretrained_backbone", "backbone", "backbone_config", "backbone_kwargs",
    ),
}  # fmt: skip
_LONGEST, _MOST = 400, 60
_TEXT = {"split", "lower", "upper", "startswith", "endswith", "replace"}
_TABLE = {"items", "keys", "values", "get", "pop", "setdefault", "update", "to_dict"}
_CHANGES = {"append", "extend", "insert", "remove"}
_GONE_THROUGH = {"len", "list", "tuple", "enumerate", "sum", "sorted", "zip", "set"}


def init_checks(node: ast.ClassDef, subs: Iterable[str]) -> dict[str, list[Check]]:
    """{"c:__init__": checks}; an empty list where a class has an __init__ of which nothing can be told.

    Args:
        subs: the keys of its nested configurations: what is kept there and is none fails, since 4.54.
    """
    init = functions(node).get("__init__")
    if init is None or node.name in ROOTS:
        return {}
    arguments = [*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs][1:]
    subs = {*subs, *_own_subs(node)}
    walk = _Walk({one.arg: argument(one.arg) for one in arguments}, _constants(node))
    found: dict[tuple[str, ...], None] = dict.fromkeys(_closed(init, [one.arg for one in arguments]))
    for check in walk.body(init.body, []):
        if readable(check[0]) and len(check[0]) <= _LONGEST:
            found[tuple(check)] = None
    for key in sorted(subs):
        kept = walk.attributes.get(key)
        if kept is not None and f"self.{key}" in map(ast.unparse, _leaves(kept)):
            text = ast.unparse(Given().visit(copy.deepcopy(kept)))
            if readable(text) and len(text) <= _LONGEST:
                found[(f"({text},)", "sub_configs", key)] = None
    listed = [list(check) for check in found if not _told(check, found)][:_MOST]
    parents = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return {"c:__init__": listed} if listed or not set(parents) & set(ROOTS) else {}


def _own_subs(node: ast.ClassDef) -> Iterator[str]:
    """The keys that a property `sub_configs` names: `{"backbone_config": type(self.backbone_config)}`."""
    method = functions(node).get("sub_configs")
    for item in ast.walk(method) if method is not None else ():
        if isinstance(item, ast.Dict):
            yield from (key.value for key in item.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _closed(init: ast.FunctionDef, arguments: list[str]) -> list[tuple[str, ...]]:
    """The check of a class that raises when **kwargs holds anything but a few names, which it takes out in a loop."""
    left = any(isinstance(node, ast.If) and ast.unparse(node.test) == "len(kwargs) != 0" for node in init.body)
    loops = [node.iter for node in init.body if isinstance(node, ast.For) and "kwargs.pop" in ast.unparse(node)]
    lists = [names for names in loops if isinstance(names, ast.List)]
    if not left or len(lists) != len(loops):
        return []
    known = [*arguments, *(item.value for names in lists for item in names.elts if isinstance(item, ast.Constant))]
    return [(repr(tuple(known)), "kwargs", "")]


def _told(check: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> bool:
    """Whether a mere expression is worked out in another check, too, whatever the values are."""
    plain = (other[0] for other in others if other != check and " and " not in other[0] and " if " not in other[0])
    return check[1] == "" and any(check[0] in other for other in plain)


def _constants(node: ast.ClassDef) -> Names:
    """What the class body sets: `layer_types = ["basic", "bottleneck"]`."""
    found: Names = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            found[item.targets[0].id] = item.value
    return found


def _leaves(node: ast.expr) -> Iterator[ast.expr]:
    """The values that a choice may come to."""
    if isinstance(node, ast.IfExp):
        yield from _leaves(node.body)
        yield from _leaves(node.orelse)
    else:
        yield node


class _Walk:
    """Goes through a body in order and knows, for each name and attribute, the expression that it stands for."""

    def __init__(self, names: Names, attributes: Names, items: Names | None = None) -> None:
        self.names, self.attributes = names, attributes
        self.items: Names = items if items is not None else {}  # "self.vision_config['model_type']"

    def body(self, body: list[ast.stmt], given: list[ast.expr]) -> Iterator[Check]:
        for statement in body:
            yield from self.statement(statement, given)
            self.forget(statement)
            if isinstance(statement, (ast.Return, ast.Raise)):
                return

    def forget(self, statement: ast.stmt) -> None:
        """What a statement may have changed in place is not known any more."""
        for part in ast.walk(statement):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in _CHANGES:
                self.set(part.func.value, unknown())

    def statement(self, statement: ast.stmt, given: list[ast.expr]) -> Iterator[Check]:
        """The checks of one statement."""
        if isinstance(statement, ast.Raise):
            yield _raised(given, statement.exc)
        elif isinstance(statement, ast.Assert):
            yield [_all([*given, _not(self.put(statement.test))]), "AssertionError", "''"]
        elif isinstance(statement, ast.If):
            yield from self.branch(statement, given)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            yield from self.uses(statement.value, given)
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                self.set(target, self.put(statement.value))
        elif isinstance(statement, ast.Expr):
            yield from self.uses(statement.value, given)
        else:  # a loop or the like: what it changes is not known any more
            if isinstance(statement, ast.For):
                yield from self.uses(statement.iter, given)
            for inner in ast.walk(statement):
                if isinstance(inner, (ast.Name, ast.Attribute)) and isinstance(inner.ctx, ast.Store):
                    self.set(inner, unknown())

    def branch(self, statement: ast.If, given: list[ast.expr]) -> Iterator[Check]:
        """Both ways of an `if`; what either sets depends on the test afterwards."""
        yield from self.uses(statement.test, given)
        test = self.put(statement.test)
        one, other = (_Walk(dict(self.names), dict(self.attributes), dict(self.items)) for _ in range(2))
        yield from one.body(statement.body, [*given, test])
        yield from other.body(statement.orelse, [*given, _not(test)])
        for mine, yes, no in (
            (self.names, one.names, other.names), (self.attributes, one.attributes, other.attributes),
            (self.items, one.items, other.items),
        ):  # fmt: skip
            for name in [*yes, *no]:
                if mine.get(name) is not yes.get(name) or mine.get(name) is not no.get(name):
                    default = unknown()
                    if mine is self.attributes:
                        default = ast.Constant(None)
                    elif mine is self.items:
                        default = ast.parse(name, mode="eval").body
                    mine[name] = _either(test, yes.get(name, default), no.get(name, default))

    def set(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            self.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript) and isinstance(getattr(target.slice, "value", None), str):
            self.items[ast.unparse(self.put(target))] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one in target.elts:
                self.set(one, unknown())

    def put(self, node: ast.expr) -> ast.expr:
        """An expression in terms of the arguments."""
        changed: ast.expr = Putting(self.names, self.attributes, self.items).visit(copy.deepcopy(node))
        return changed if len(ast.unparse(changed)) <= 5 * _LONGEST else unknown()

    def uses(self, node: ast.expr, given: list[ast.expr]) -> Iterator[Check]:
        """What working out an expression asks of its parts."""
        for part in _always(node):
            if isinstance(part, (ast.BinOp, ast.Compare)):
                if isinstance(part, ast.BinOp) or not isinstance(part.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
                    yield [_all([*given, self.put(part)]), "", ""]
            elif isinstance(part, ast.Call):
                yield from self.call(part, given)
            elif isinstance(part, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
                yield from self.gone_through(part.generators[0].iter, given)
            elif isinstance(part, ast.Subscript) and ast.unparse(part.value) == "CONFIG_MAPPING":
                yield from self.typed(part.slice, given)
            elif isinstance(part, ast.Subscript) and isinstance(getattr(part.slice, "value", None), str):
                if isinstance(self.put(part), ast.Subscript):
                    yield [_all([*given, self.put(part)]), "", ""]
                yield from self.must_be(part.value, "dict", given, "TypeError")

    def call(self, node: ast.Call, given: list[ast.expr]) -> Iterator[Check]:
        function, name = node.func, getattr(node.func, "id", "")
        for keyword in node.keywords:
            if keyword.arg is None and ast.unparse(keyword.value) != "kwargs":
                yield from self.must_be(keyword.value, "dict", given, "TypeError")
        if name in HELPERS:
            options = {keyword.arg: keyword.value for keyword in node.keywords}
            options.update(zip(HELPERS[name], node.args))
            values = [self.put(options[key]) if key in options else ast.Constant(None) for key in HELPERS[name]]
            yield [_all([*given, Given().visit(ast.Tuple(values, ast.Load()))]), name, ""]
        elif ast.unparse(function) == "AutoConfig.for_model":
            yield from self.made(node, given)
        elif name in _GONE_THROUGH and node.args:
            yield from self.gone_through(node.args[0], given)
        elif name in ("range", "int") and len(node.args) == 1:
            wanted = "int" if name == "range" else "int, float, str"
            yield from self.must_be(node.args[0], wanted, given, "TypeError")
        elif isinstance(function, ast.Attribute) and function.attr in _TEXT | _TABLE:
            kind = "str" if function.attr in _TEXT else "dict"
            yield from self.must_be(function.value, kind, given, "AttributeError")

    def made(self, node: ast.Call, given: list[ast.expr]) -> Iterator[Check]:
        """`AutoConfig.for_model(**x)` or with the type before: a model type that must be known."""
        key = node.args[0] if node.args else None
        for keyword in node.keywords:
            if keyword.arg == "model_type":
                key = keyword.value
            elif keyword.arg is None and key is None:
                key = ast.Subscript(keyword.value, ast.Constant("model_type"), ast.Load())
        if key is not None:
            yield from self.typed(key, given)

    def typed(self, key: ast.expr, given: list[ast.expr]) -> Iterator[Check]:
        """The check of a model type."""
        if not isinstance(self.put(key), ast.Constant):
            yield [_all([*given, Given().visit(ast.Tuple([self.put(key)], ast.Load()))]), "model type", ""]

    def gone_through(self, node: ast.expr, given: list[ast.expr]) -> Iterator[Check]:
        if not isinstance(node, ast.Call):
            yield from self.must_be(node, "list, str, dict", given, "TypeError")

    def must_be(self, node: ast.expr, kinds: str, given: list[ast.expr], error: str) -> Iterator[Check]:
        """The check that a value is of one of some types, unless that was asked before."""
        types: list[ast.expr] = [ast.Name(kind, ast.Load()) for kind in kinds.split(", ")]
        among = types[0] if len(types) == 1 else ast.Tuple(types, ast.Load())
        test = ast.Call(ast.Name("isinstance", ast.Load()), [self.put(node), among], [])
        if ast.unparse(test) not in map(ast.unparse, given):
            yield [_all([*given, _not(test)]), error, "''"]


def _always(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that are worked out whatever the values are."""
    yield node
    if isinstance(node, ast.IfExp):
        yield from _always(node.test)
    elif isinstance(node, ast.BoolOp):
        yield from _always(node.values[0])
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
        yield from _always(node.generators[0].iter)
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.keyword):
                child = child.value
            if isinstance(child, ast.expr):
                yield from _always(child)


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _either(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    return yes if yes is no else ast.IfExp(test, yes, no)


def _all(conditions: list[ast.expr]) -> str:
    return ast.unparse(ast.BoolOp(ast.And(), conditions) if len(conditions) > 1 else conditions[0])


def _raised(given: list[ast.expr], error: ast.expr | None) -> Check:
    name = ast.unparse(error.func) if isinstance(error, ast.Call) else ast.unparse(error) if error else "Exception"
    text = error.args[0] if isinstance(error, ast.Call) and error.args else None
    message = repr(text.value[:120]) if isinstance(text, ast.Constant) and isinstance(text.value, str) else "''"
    return [_all(given or [ast.Constant(True)]), name, message]
