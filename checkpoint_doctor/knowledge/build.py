"""For maintainers: rebuild data/kb.tsv from installed or unpacked releases, read with `ast` only and never imported.

    python -m checkpoint_doctor.knowledge.build transformers==5.23.0=SITE_PACKAGES peft==0.21.2=SITE_PACKAGES ...

Each argument names a package, its version and the folder that contains the package's own folder. Rows are
`kind<TAB>name<TAB>JSON`, sorted bytewise, one name a line, so that a diff of two builds reads.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "data" / "kb.tsv"
# Files of transformers that hold the auto tables; auto_mappings.py exists since 5.x.
AUTO_FILES = ("auto_mappings.py", "configuration_auto.py", "modeling_auto.py", "tokenization_auto.py")


def tables(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, pairs) of every assignment or update of a `*_MAPPING_NAMES` table made of literals."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            owner = node.func.value
            name, value = (owner.id if isinstance(owner, ast.Name) else ""), node
        else:
            continue
        if name.endswith("_MAPPING_NAMES"):
            yield name, dict(_pairs(value))


def _pairs(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for child in ast.walk(node):
        if isinstance(child, ast.Tuple) and len(child.elts) == 2:
            yield from _pair(child.elts[0], child.elts[1])
        elif isinstance(child, ast.Dict):
            for key, value in zip(child.keys, child.values):
                if key is not None:
                    yield from _pair(key, value)


def _pair(key: ast.expr, value: ast.expr) -> Iterator[tuple[str, Any]]:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        constants = [item.value for item in ast.walk(value) if isinstance(item, ast.Constant)]
        names = [item for item in constants if isinstance(item, str)]
        if names:
            yield key.value, names


def transformers_rows(root: Path, version: str, rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Add model types with their config classes, and architectures with the model types that build them."""
    types: dict[str, str] = {}
    architectures: dict[str, set[str]] = defaultdict(set)
    for file in AUTO_FILES:
        path = root / "transformers" / "models" / "auto" / file
        if not path.exists():
            continue
        for name, pairs in tables(path.read_text(encoding="utf-8")):
            if name == "CONFIG_MAPPING_NAMES":
                types.update({key: values[0] for key, values in pairs.items()})
            elif name.startswith("MODEL_"):
                for key, values in pairs.items():
                    for value in values:
                        architectures[value].add(key)
    if len(types) < 100 or len(architectures) < 100:
        raise SystemExit(f"transformers {version}: only {len(types)} model types found, the tables must have moved")
    for model_type, config in types.items():
        row = rows[("model_type", model_type)]
        row["config"] = config
        row.setdefault("in", []).append(version)
    for architecture, of_types in architectures.items():
        row = rows[("architecture", architecture)]
        row["types"] = sorted(of_types | set(row.get("types", ())))
        row.setdefault("in", []).append(version)


def peft_rows(root: Path, version: str, rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Add the members of PeftType."""
    source = (root / "peft" / "utils" / "peft_types.py").read_text(encoding="utf-8")
    members = [
        item.targets[0].id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "PeftType"
        for item in node.body
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
    ]
    if "LORA" not in members:
        raise SystemExit(f"peft {version}: PeftType was not found")
    for member in members:
        rows[("peft_type", member)].setdefault("in", []).append(version)


def main(arguments: list[str]) -> None:
    """Build the table from PACKAGE==VERSION=FOLDER arguments."""
    rows: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    releases: dict[str, list[str]] = defaultdict(list)
    for argument in arguments:
        package, _, rest = argument.partition("==")
        version, _, folder = rest.partition("=")
        reader = {"transformers": transformers_rows, "peft": peft_rows}[package]
        reader(Path(folder), version, rows)
        releases[package].append(version)
    for package, versions in releases.items():
        rows[("release", package)] = {"in": versions}
    lines = []
    for (kind, name), row in rows.items():
        lines.append(f"{kind}\t{name}\t{json.dumps(row, sort_keys=True, separators=(',', ':'))}\n")
    TABLE.write_text("".join(sorted(lines)), encoding="utf-8")
    print(f"{len(lines)} rows, {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
