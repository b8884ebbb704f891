"""PEFT: adapter methods with their config classes, the fields of those classes, and the default target modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact
from checkpoint_doctor.knowledge.build.readers.dataclass_fields import ClassSource, class_sources, fields
from checkpoint_doctor.knowledge.build.sources import Sources

# Where PeftType and the base classes were: the first that a release has is the one it uses.
ENUMS = ("peft/utils/peft_types.py", "peft/utils/config.py")
BASES = ("peft/config.py", "peft/utils/config.py")
MAPPING = "peft/mapping.py"
# The tables of default target modules moved twice; a later file repeats nothing of an earlier one.
TABLES = (MAPPING, "peft/utils/other.py", "peft/utils/constants.py")
_TABLE = re.compile(r"TRANSFORMERS_MODELS_TO_(\w+?)(?:_TARGET_MODULES|(_FEEDFORWARD)_MODULES)_MAPPING")
MAIN = "LORA"


def read(sources: Sources) -> Iterator[Fact]:
    """peft_type {config}, peft_config {field: default}, peft_targets {model type: modules}."""
    classes = _classes(sources)
    types, unread = _types(sources)
    for name, config in sorted(types.items()):
        yield "peft_type", name, {"config": config}
        if config not in classes:
            yield NOTE, f"{config} of {name} was not found", {}
    for name in sorted(classes):
        if name.endswith(("Config", "Mixin")):
            found, notes = fields(name, classes)
            yield "peft_config", name, found
            yield from ((NOTE, f"{name}.{note}", {}) for note in notes)
    targets, unread_tables = _tables(sources)
    yield from ((NOTE, note, {}) for note in unread + unread_tables)
    yield from _targets(targets, types)


def modules(sources: Sources) -> list[str]:
    """The files with config classes; 0.6.2 ships the single files that folders had replaced, which nobody imports."""
    files = [next(path for path in BASES if path in sources)]
    for path in sources.paths("peft/tuners/"):
        replaced = f"{path.removesuffix('.py')}/__init__.py" in sources
        if not replaced and (path.endswith("config.py") or path.count("/") == 2):
            files.append(path)
    return files


def _classes(sources: Sources) -> dict[str, ClassSource]:
    found: dict[str, ClassSource] = {}
    for path in (*(path for path in ENUMS if path in sources), *modules(sources)):
        found.update(sources.derive(path, class_sources))
    return found


def _types(sources: Sources) -> tuple[dict[str, str], list[str]]:
    """Method to config class, as PEFT_TYPE_TO_CONFIG_MAPPING has it once the package is imported; what was not read."""
    run = Evaluator()
    run.run(statement for statement in sources.tree(MAPPING).body if not isinstance(statement, ast.FunctionDef))
    table = run.names.get("PEFT_TYPE_TO_CONFIG_MAPPING", {})
    types, unread = {}, [f"{note.name}: {note.why}" for note in run.notes if "CONFIG_MAPPING" in note.name]
    if isinstance(table, dict):
        types = {_key(key): config.name for key, config in table.items()}
    else:
        unread.append(f"PEFT_TYPE_TO_CONFIG_MAPPING: {table}")
    for path in sources.paths("peft/tuners/", "/__init__.py"):
        types.update(sources.derive(path, registered))
    return types, unread


def _key(key: Any) -> str:
    return key.name.rpartition(".")[2] if isinstance(key, Ref) else str(key)


def registered(tree: ast.Module) -> dict[str, str]:
    """The methods that a module registers, with their config classes."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "register_peft_method":
            options = {option.arg: option.value for option in node.keywords}
            name, config = options.get("name"), options.get("config_cls")
            if isinstance(name, ast.Constant) and isinstance(config, ast.Name):
                found[str(name.value).upper()] = config.id
    return found


def _tables(sources: Sources) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The tables of default target modules, and what was not read."""
    tables: dict[str, dict[str, Any]] = {}
    unread: list[str] = []
    for path in TABLES:
        if path in sources:
            found, notes = sources.derive(path, target_tables)
            tables.update(found)
            unread += notes
    return tables, unread


def _targets(tables: dict[str, dict[str, Any]], types: dict[str, str]) -> Iterator[Fact]:
    """The default target modules of each method.

    A table that is shorter as a difference to LoRA's has "base": "LORA" and null for the types that it lacks.
    """
    known = {name.replace("_", ""): name for name in types}
    main = tables.get(MAIN, {})
    for name, table in sorted(tables.items()):
        difference: dict[str, Any] = {"base": MAIN, **dict.fromkeys(main.keys() - table.keys())}
        difference.update({key: value for key, value in table.items() if main.get(key) != value})
        shorter = name != MAIN and len(difference) < len(table)
        yield "peft_targets", known.get(name.replace("_", ""), name), difference if shorter else table


def target_tables(tree: ast.Module) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The tables of default target modules in a module by method, IA3_FEEDFORWARD for the second one of IA3; notes."""
    run = Evaluator()
    run.run(statement for statement in tree.body if isinstance(statement, (ast.Assign, ast.AnnAssign)))
    matches = ((_TABLE.fullmatch(name), value) for name, value in run.names.items())
    found = {match[1] + (match[2] or ""): value for match, value in matches if match and isinstance(value, dict)}
    return found, [f"{note.name}: {note.why}" for note in run.notes if _TABLE.match(note.name)]
