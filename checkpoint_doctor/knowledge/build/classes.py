"""The classes of a package as its sources write them: bases, class attributes that matter, aliases and exports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from checkpoint_doctor.knowledge.build.sources import Sources


@dataclass(frozen=True, slots=True)
class Class:
    """A class statement at the top of a module.

    Attributes:
        bases: last names of its bases.
        config: the configuration class that it names itself, as `config_class = X` or `config: X`.
        model_type: its own `model_type = "…"`.
    """

    name: str
    bases: tuple[str, ...]
    config: str | None = None
    model_type: str | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """What one file defines."""

    classes: tuple[Class, ...]
    aliases: tuple[tuple[str, str], ...]
    exports: tuple[str, ...]


def scan(tree: ast.Module) -> Module:
    """The classes, aliases (`A = B`) and `__all__` at the top of a module, also under `if` and `try`."""
    classes: list[Class] = []
    aliases: list[tuple[str, str]] = []
    exports: list[str] = []
    for node in _top(tree.body):
        if isinstance(node, ast.ClassDef):
            classes.append(_class(node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == "__all__":
                exports += [part.value for part in ast.walk(node.value) if _is_text(part)]  # type: ignore[attr-defined]
            elif isinstance(node.value, ast.Name):
                aliases.append((name, node.value.id))
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and getattr(node.target, "id", "") == "__all__":
            exports += [part.value for part in ast.walk(node) if _is_text(part)]  # type: ignore[attr-defined]
    return Module(tuple(classes), tuple(aliases), tuple(exports))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _top(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _top([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _top([*node.body, *node.orelse, *node.finalbody])


def _class(node: ast.ClassDef) -> Class:
    config = model_type = None
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, value = statement.targets[0].id, statement.value
            if name == "config_class":
                config = last_name(value) or config
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, value = statement.target.id, statement.value or statement.annotation
            if name == "config" and statement.value is None:
                config = last_name(statement.annotation) or config
            elif name == "config_class" and statement.value is not None:
                config = last_name(statement.value) or config
        else:
            continue
        if name == "model_type" and isinstance(value, ast.Constant) and isinstance(value.value, str):
            model_type = value.value or None
    return Class(node.name, tuple(filter(None, map(last_name, node.bases))), config, model_type)


def last_name(node: ast.expr) -> str:
    """The last name of `a.b.C`, of "C" in quotes and of `C[...]`; "" for anything else."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.isidentifier() else ""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@dataclass
class Family:
    """The classes of some files of a release, by name; of two with one name the later file's is taken.

    Attributes:
        aliases: other names of classes.
        exports: what the files' `__all__` list.
    """

    classes: dict[str, Class] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    exports: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, sources: Sources, paths: Iterable[str]) -> Family:
        """Those of the given files."""
        family = cls()
        for path in paths:
            module = sources.derive(path, scan)
            family.classes.update((one.name, one) for one in module.classes)
            family.aliases.update(module.aliases)
            family.exports.update(module.exports)
        return family

    def heirs(self, roots: Iterable[str]) -> set[str]:
        """The names of all classes that derive from one of the roots; the roots themselves not."""
        found = set(roots)
        wanted, before = set(roots), -1
        while len(found) != before:
            before = len(found)
            found |= {name for name, one in self.classes.items() if not found.isdisjoint(one.bases)}
        return found - wanted

    def config(self, name: str) -> str | None:
        """The configuration class of a model class: its own or the first that a base has."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            current = waiting.pop(0)
            one = self.classes.get(current)
            if one is None or current in seen:
                continue
            seen.add(current)
            if one.config:
                return one.config
            waiting = [*one.bases, *waiting]
        return None


def offered(sources: Sources) -> set[str]:
    """The names in the package's own __init__.py: what it imports there and what its lazy tables list.

    Since 4.47 most are listed in `Family.exports` instead.
    """
    return set(sources.derive(f"{sources.package}/__init__.py", _offered))


def _offered(tree: ast.Module) -> tuple[str, ...]:
    """All that an __init__.py imports by name, and all identifiers in its tables of names."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.append(node.value)
    return tuple(names)
