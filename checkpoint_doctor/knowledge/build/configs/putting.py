"""Puts into expressions what their names stand for, so that they speak of the arguments of __init__ alone."""

from __future__ import annotations

import ast
import copy
import re

Names = dict[str, ast.expr]
UNKNOWN = "unknown"
_TYPES = {"int", "float", "bool", "str", "list", "dict", "tuple"}
_OLD_SPELLING = re.compile(r"self\._none_\w+_config_dict is not None")  # text_config_dict beside text_config
_MAKES = re.compile(r"(Config|config_class|_cls|\.from_dict|AutoConfig\.for_model|CONFIG_MAPPING\[.*\])$")


def argument(name: str) -> ast.expr:
    return ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load())


def unknown() -> ast.expr:
    return ast.Name(UNKNOWN, ast.Load())


class Putting(ast.NodeTransformer):
    def __init__(self, names: Names, attributes: Names, items: Names) -> None:
        self.names, self.attributes, self.items = names, attributes, items

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self.names.get(node.id)
        return copy.deepcopy(found) if found is not None else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        found = self.items.get(ast.unparse(node))
        return copy.deepcopy(found) if found is not None else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            found = self.attributes.get(node.attr)
            return copy.deepcopy(found) if found is not None else unknown()
        if node.attr in ("get", "pop"):
            self.generic_visit(node)
            return node
        return unknown()

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if _MAKES.search(ast.unparse(node.func)):
            return argument("_made")
        if ast.unparse(node.func) == "isinstance" and len(node.args) == 2:
            # No value of a JSON file is an object of a class.
            kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            plain = [kind for kind in kinds if getattr(kind, "id", "") in _TYPES]
            if not plain:
                return ast.Constant(False)
            among = plain[0] if len(plain) == 1 else ast.Tuple(plain, ast.Load())
            return ast.Call(node.func, [self.visit(node.args[0]), among], [])
        if ast.unparse(node.func) in ("kwargs.pop", "kwargs.get") and isinstance(node.args[0], ast.Constant):
            nothing = len(node.args) > 1 and ast.unparse(node.args[1]) == "None"
            return argument(f"{'_none' if nothing else '_given'}_{node.args[0].value!s}")
        self.generic_visit(node)
        return node


class Given(ast.NodeTransformer):
    """Leaves of an expression only what was given, or that something is made; old spellings are taken for not given."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        if _OLD_SPELLING.fullmatch(ast.unparse(node.test)):
            found: ast.expr = self.visit(node.orelse)
            return found
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        text = ast.unparse(node.func)
        if text == "isinstance" or (text.endswith((".get", ".pop")) and not node.keywords):
            self.generic_visit(node)
            return node
        return argument("_unknown")

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return argument("_unknown") if node.id == UNKNOWN else node

    def visit_ListComp(self, _: ast.ListComp) -> ast.expr:
        return argument("_unknown")

    def visit_BinOp(self, _: ast.BinOp) -> ast.expr:
        return argument("_unknown")
