"""SGLang: the architectures that it serves, out of the `EntryClass` of its model modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact
from checkpoint_doctor.knowledge.build.sources import Sources

MODELS = "sglang/srt/models/"


def read(sources: Sources) -> Iterator[Fact]:
    """sglang_architecture {}."""
    found: set[str] = set()
    for path in sources.paths(MODELS):
        names = sources.derive(path, entries)
        if names is None:
            yield NOTE, f"EntryClass of {path}", {}
        found.update(names or ())
    if not found:
        yield NOTE, f"no models in {MODELS}", {}
    for name in sorted(found):
        yield "sglang_architecture", name, {}


def entries(tree: ast.Module) -> tuple[str, ...] | None:
    """The classes in a module's `EntryClass`, () when it has none, None when they cannot be made out."""
    found: list[str] = []
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and getattr(target, "id", "") == "EntryClass":
            value = node.value
            items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
            for item in items:
                if not isinstance(item, ast.Name):
                    return None
                found.append(item.id)
    return tuple(found)
