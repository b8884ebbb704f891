"""vLLM: architectures, model types that it has a configuration class of its own for, and quantisation methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.evaluate import Evaluator
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact, Rows
from checkpoint_doctor.knowledge.build.sources import Sources

# The registry's place; the second until 0.6.
REGISTRIES = ("vllm/model_executor/models/registry.py", "vllm/model_executor/models/__init__.py")
CONFIGS = "vllm/transformers_utils/config.py"
QUANTIZATION = "vllm/model_executor/layers/quantization/__init__.py"
REMOVED = "vllm_removed"


def read(sources: Sources) -> Iterator[Fact]:
    """vllm_architecture {}, vllm_config_type {}, vllm_quantization {}."""
    architectures: set[str] = set()
    last: dict[str, str] = {}
    for path in REGISTRIES:
        if path in sources:
            served, removed = sources.derive(path, registry)
            architectures |= served
            last.update(removed)
    tables = {
        "vllm_architecture": architectures,
        "vllm_config_type": sources.derive(CONFIGS, config_types),
        "vllm_quantization": sources.derive(QUANTIZATION, methods),
    }
    for kind, names in tables.items():
        if not names:
            yield NOTE, f"nothing of kind {kind}", {}
        for name in sorted(names):
            yield kind, name, {}
    for name, version in sorted(last.items()):
        yield REMOVED, name, {"last": version}


def pack(rows: Rows) -> Rows:
    """What vLLM itself says was the last release to serve an architecture goes to its row as "last"."""
    packed = {key: row for key, row in rows.items() if key[0] != REMOVED}
    for (kind, name), row in rows.items():
        if kind == REMOVED and ("vllm_architecture", name) in packed:
            packed["vllm_architecture", name]["last"] = row["last"]
    return packed


def registry(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """The architectures of all tables {architecture: (module, class)}, and the last release of those gone."""
    found: set[str] = set()
    last: dict[str, str] = {}
    for name, value in _tables(tree).items():
        if name == "_PREVIOUSLY_SUPPORTED_MODELS":
            last = value
        elif name.endswith("_MODELS"):
            found.update(key for key, entry in value.items() if isinstance(entry, tuple) and len(entry) == 2)
    return found, last


def config_types(tree: ast.Module) -> set[str]:
    """The model types of _CONFIG_REGISTRY: a literal, or keywords of a class that imports late."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and getattr(target, "id", "") == "_CONFIG_REGISTRY":
            if isinstance(node.value, ast.Call):
                return {keyword.arg for keyword in node.value.keywords if keyword.arg}
            if isinstance(node.value, ast.Dict):
                return set(_keys(node.value))
    return set()


def _keys(table: ast.Dict) -> Iterator[str]:
    for key, value in zip(table.keys, table.values):
        if isinstance(key, ast.Constant):
            yield str(key.value)
        elif key is None and isinstance(value, ast.Dict):
            yield from _keys(value)


def methods(tree: ast.Module) -> set[str]:
    """The names of quantisation methods: a Literal, a list, or the keys of a table."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        name = getattr(target, "id", "").upper()
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and name.endswith(
            ("QUANTIZATIONMETHODS", "_METHODS", "_REGISTRY")
        ):
            value = node.value.slice if isinstance(node.value, ast.Subscript) else node.value
            items = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", ())
            found = {str(item.value) for item in items if isinstance(item, ast.Constant)}
            if found:
                return found
    return set()


def _tables(tree: ast.Module) -> dict[str, dict[str, Any]]:
    run = Evaluator()
    run.run(node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)))
    return {name: value for name, value in run.names.items() if isinstance(value, dict)}
