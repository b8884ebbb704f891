"""vLLM: which LoRA adapters it refuses, out of its own checks of adapter_config.json and its LoRA settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.readers.dataclass_fields import class_sources
from checkpoint_doctor.knowledge.build.sources import Sources

HELPER = "vllm/lora/peft_helper.py"
# Where the largest rank is set: LoRAConfig in three places, and its default in EngineArgs until 0.8.
SETTINGS = ("vllm/engine/arg_utils.py", "vllm/config.py", "vllm/config/__init__.py", "vllm/config/lora.py")


def read(sources: Sources) -> Iterator[Fact]:
    """vllm_limit: "max_lora_rank" {default, ranks}, "keys" {value} that are read at all, one {message} for each key
    of adapter_config.json that is refused when it is set.
    """
    rank: dict[str, Any] = {}
    for path in SETTINGS:
        if path in sources:
            rank.update(sources.derive(path, ranks))
    if rank:
        yield "vllm_limit", "max_lora_rank", rank
    if HELPER in sources:
        keys = sources.derive(HELPER, class_sources)["PEFTHelper"].fields
        yield "vllm_limit", "keys", {"value": sorted(key for key in keys if not key.startswith(("vllm_", "context_")))}
        for key, message in sorted(sources.derive(HELPER, refusals).items()):
            yield "vllm_limit", f"refused:{key}", {"message": message}


def ranks(tree: ast.Module) -> dict[str, Any]:
    """The default of max_lora_rank and the values that it may have, where this module has them."""
    allowed: list[Any] = []
    default: Any = None
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        name = getattr(target, "id", "").lower()
        if isinstance(node, ast.Assign) and name in ("maxloraranks", "possible_max_ranks"):
            inner = node.value.slice if isinstance(node.value, ast.Subscript) else node.value
            if isinstance(inner, (ast.Tuple, ast.List)):
                allowed = [item.value for item in inner.elts if isinstance(item, ast.Constant)]
        elif isinstance(node, ast.AnnAssign) and name == "max_lora_rank" and isinstance(node.value, ast.Constant):
            default = node.value.value
    return {key: value for key, value in (("default", default), ("ranks", allowed)) if value}


def refusals(tree: ast.Module) -> dict[str, str]:
    """The fields that the checks of PEFTHelper test before they say something, with what they say; not the rank."""
    methods = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and (message := _message(node.body)):
            for key in _attributes(node.test)[:1]:
                # A check of its own: what it looks at first.
                names = _attributes(methods[key])[:1] if key in methods else [key]
                found.update({name: message for name in names if name not in found and name != "r"})
    return found


def _attributes(node: ast.AST) -> list[str]:
    """What is taken from `self`, in order."""
    parts = (part for part in ast.walk(node) if isinstance(part, ast.Attribute))
    return [part.attr for part in parts if isinstance(part.value, ast.Name) and part.value.id == "self"]


def _message(body: list[ast.stmt]) -> str:
    """The text that a block adds to the messages, with … for what it fills in."""
    for node in (part for statement in body for part in ast.walk(statement)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "error_msg.append":
            return _text(node.args[0])
    return ""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""
