"""The configuration classes of one module, each as flat entries: {"f:hidden_size": 768, "t:hidden_size": "int", …}.

f: field and default, t: what is checked of it (see types.py), s: sub-configuration, c: class validator; base, type
(model_type), map (attribute_map), legacy (keys popped), set (fields changed by the class's own code), own (methods that
load in a way of their own), rope. Flat, so that every entry gets its own releases; pack.py folds them.
"""

from __future__ import annotations

import ast
from typing import Any

from checkpoint_doctor.knowledge.build.configs.checks import assigned, checks
from checkpoint_doctor.knowledge.build.configs.defaults import constants
from checkpoint_doctor.knowledge.build.configs.fields import ROOTS, functions, of_dataclass, of_init, popped
from checkpoint_doctor.knowledge.build.configs.init_checks import init_checks
from checkpoint_doctor.knowledge.build.configs.parts import sub_configs
from checkpoint_doctor.knowledge.build.configs.rope import rope_entries
from checkpoint_doctor.knowledge.build.configs.types import aliases, lazy

# Methods by which a class would read its dictionary in another way than all others do.
_OWN = ("__init__", "__new__", "__setattr__", "from_dict")


def classes(tree: ast.Module) -> dict[str, tuple[list[str], dict[str, Any]]]:
    """Name → (base classes, entries) of every class in a module, configuration or not."""
    names, known, unchecked = constants(tree), aliases(tree), lazy(tree)
    found: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            decorators = [ast.unparse(one).rpartition(".")[2] for one in node.decorator_list]
            strict = any(one.split("(")[0] == "strict" for one in decorators)
            dataclass = strict or any(one.split("(")[0] == "dataclass" for one in decorators)
            found[node.name] = bases, _entries(node, names, known, dataclass, strict and not unchecked)
    return found


def _entries(node: ast.ClassDef, names: Any, known: Any, dataclass: bool, checked: bool) -> dict[str, Any]:
    entries: dict[str, Any] = of_init(node, names)
    methods = functions(node)
    if dataclass:
        entries.update(of_dataclass(node, names, known, checked))
        entries.update(checks(node))
        entries.update(assigned(node))
        own = [name for name in _OWN if name in methods]
        if own and node.name not in ROOTS:
            entries["own"] = own
    entries.update(sub_configs(node))
    if not dataclass:
        entries.update(init_checks(node, [entry[2:] for entry in entries if entry.startswith("s:")]))
    entries.update(rope_entries(node))
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        if not isinstance(target, ast.Name) or getattr(item, "value", None) is None:
            continue
        try:
            value = ast.literal_eval(item.value)  # type: ignore[attr-defined]
        except ValueError:
            continue
        if target.id == "model_type" and isinstance(value, str) and value:
            entries["type"] = value
        elif target.id == "attribute_map" and isinstance(value, dict) and value:
            entries["map"] = value
    legacy = {name for key in ("__init__", "__post_init__") if key in methods for name, _ in popped(methods[key])}
    if legacy:
        entries["legacy"] = sorted(legacy)
    return entries
