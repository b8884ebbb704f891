"""What configurations name: rope types with their keys, layer types, activations, quantisation methods."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.configs.defaults import constants
from checkpoint_doctor.knowledge.build.configs.fields import functions, of_init
from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact, Rows
from checkpoint_doctor.knowledge.build.sources import Sources

_ROPE_CHECK = re.compile(r"_validate_(\w+?)(?:_scaling)?(?:_rope)?_parameters")


def read(sources: Sources) -> Iterator[Fact]:
    """rope_type{required, optional}, layer_type{of, now}, activation{}, quantization{config, quantizer, fields}."""
    for kind, path, extract in (
        ("rope_type", "transformers/modeling_rope_utils.py", _rope_types),
        ("layer_type", "transformers/configuration_utils.py", _layer_types),
        ("activation", "transformers/activations.py", _activations),
    ):
        found = sources.derive(path, extract)
        for name, entries in found.items():
            yield kind, name, dict(entries)
        if kind == "activation" and len(found) < 5:
            yield NOTE, f"transformers {sources.version}: activations not found", {}
    methods, classes = sources.derive("transformers/utils/quantization_config.py", _quantization)
    tables = sources.derive("transformers/quantizers/auto.py", _quantizers)
    for method in methods:
        values: dict[str, Any] = {}
        key = method if method in tables[0] else f"{method}_4bit"
        config = tables[0].get(key) or next((name for name, (own, _) in classes.items() if own == method), None)
        if config:
            values["config"] = config
            values.update(_inherited(config, classes))
        if key in tables[1]:
            values["quantizer"] = tables[1][key]
        yield "quantization", method, values
    for method in sorted(tables[0].keys() - set(methods)):
        if not method.startswith("bitsandbytes_"):
            yield NOTE, f"transformers {sources.version}: quantisation method {method} is in no enumeration", {}


def pack(rows: Rows) -> Rows:
    """Fold quantisation fields: {"fields": {name: default or timeline}}."""
    for (kind, _), row in rows.items():
        if kind == "quantization":
            for entry in [entry for entry in row if entry.startswith("f:")]:
                row.setdefault("fields", {})[entry[2:]] = row.pop(entry)
    return rows


def _rope_types(tree: ast.Module) -> dict[str, dict[str, Any]]:
    evaluator = Evaluator()
    evaluator.run([node for node in tree.body if not isinstance(node, ast.ClassDef)])
    table = evaluator.names.get("ROPE_INIT_FUNCTIONS")
    found: dict[str, dict[str, Any]] = {name: {"computed": True} for name in table} if isinstance(table, dict) else {}
    for node in ast.walk(tree):
        match = _ROPE_CHECK.fullmatch(node.name) if isinstance(node, ast.FunctionDef) else None
        if match and isinstance(node, ast.FunctionDef):
            keys = dict(_key_sets(node))
            if "required" in keys:
                found.setdefault(match[1], {}).update(keys)
    return found


def _key_sets(function: ast.FunctionDef) -> Iterator[tuple[str, list[str]]]:
    for node in function.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Set):
            name, _, rest = node.targets[0].id.partition("_")
            if rest == "keys" and name in ("required", "optional"):
                yield name, sorted(ast.literal_eval(node.value))


def _layer_types(tree: ast.Module) -> dict[str, dict[str, Any]]:
    names = constants(tree)
    found: dict[str, dict[str, Any]] = {}
    everything = names.get("ALLOWED_LAYER_TYPES") or ()
    attention = names.get("ALLOWED_ATTN_LAYER_TYPES") or names.get("ALLOWED_ATTENTION_LAYER_TYPES") or everything
    mlp = names.get("ALLOWED_MLP_LAYER_TYPES") or ()
    for group, of in ((everything, "any"), (attention, "attention"), (mlp, "mlp")):
        for name in group:
            found[name] = {"of": of}
    for old, now in (names.get("_LEGACY_LAYER_TYPE_REMAP") or {}).items():
        found.setdefault(old, {})["now"] = now
    return found


def _activations(tree: ast.Module) -> dict[str, dict[str, Any]]:
    """The keys of ACT2CLS or, up to 4.23, ACT2FN; their values are calls and of no interest."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id in ("ACT2CLS", "ACT2FN"):
            assert isinstance(node, ast.Assign)
            if isinstance(node.value, ast.Dict):
                return {str(key.value): {} for key in node.value.keys if isinstance(key, ast.Constant)}
    return {}


def _quantization(tree: ast.Module) -> tuple[list[str], dict[str, tuple[str, dict[str, Any]]]]:
    """The methods, and each configuration class with its method and its own fields ("f:NAME", "base")."""
    names = constants(tree)
    methods: dict[str, str] = {}
    classes: dict[str, tuple[str, dict[str, Any]]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        if node.name == "QuantizationMethod":
            for item in node.body:
                if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                    methods[item.targets[0].id] = str(ast.literal_eval(item.value))
        elif node.name.endswith("Config"):
            init = functions(node).get("__init__")
            said = re.search(r"self\.quant_method = QuantizationMethod\.(\w+)", ast.unparse(init)) if init else None
            entries = {key: value for key, value in of_init(node, names).items() if key.startswith("f:")}
            entries["base"] = [ast.unparse(base) for base in node.bases]
            classes[node.name] = methods.get(said[1], "") if said else "", entries
    if not methods and "BitsAndBytesConfig" in classes:
        methods["BITS_AND_BYTES"] = "bitsandbytes"  # before 4.32 the only one, and not called a method
        classes["BitsAndBytesConfig"] = "bitsandbytes", classes["BitsAndBytesConfig"][1]
    return list(methods.values()), classes


def _inherited(config: str, classes: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(4):
        entries = classes.get(config, ("", {}))[1]
        found = {key: value for key, value in entries.items() if key.startswith("f:")} | found
        config = next((base for base in entries.get("base", ()) if base in classes), "")
    return found


def _quantizers(tree: ast.Module) -> tuple[dict[str, str], dict[str, str]]:
    """The tables of quantisers/auto.py: method → configuration class, method → quantiser class."""
    evaluator = Evaluator()
    evaluator.run(tree.body)
    found = []
    for name in ("AUTO_QUANTIZATION_CONFIG_MAPPING", "AUTO_QUANTIZER_MAPPING"):
        table = evaluator.names.get(name) or {}
        found.append({key: value.name for key, value in table.items() if isinstance(value, Ref)})
    return found[0], found[1]
