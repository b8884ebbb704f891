"""A model_type that neither transformers nor the directory's own code defines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import (
    Checkpoint,
    Edit,
    Fix,
    Problem,
    close_names,
    knowledge,
    listed,
    llava,
    namesakes,
    printable,
    subject_kind,
)

OTHER_LIBRARIES = {"diffusers", "gguf", "keras", "onnx", "adapter-hub", "adapter", "llava-adapter", "mlx"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name = config.get("model_type")
    if not isinstance(name, str) or knowledge.find("model_type", name) or name in llava.PACKAGE_TYPES:
        return
    entries = config.get("auto_map")
    if (isinstance(entries, dict) and "AutoConfig" in entries) or subject_kind(ckpt) in OTHER_LIBRARIES:
        return
    version, newest = config.get("transformers_version"), knowledge.newest("transformers")
    if isinstance(version, str) and knowledge.release(version) > knowledge.release(newest):
        return
    close = close_names("model_type", name.strip().lower()[:100])
    if _is_foreign(config) and not any(_plain(other) == _plain(name) for other in close):
        return
    hint = f"; did you mean {listed(close)}?" if close else ""
    yield Problem(f'model type "{printable(name)}" is not known{hint}', "/model_type", fix=_fix(config, name, close))


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _architecture(config: dict[str, Any]) -> str:
    architectures = config.get("architectures")
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    return name if isinstance(name, str) else ""


def _is_foreign(config: dict[str, Any]) -> bool:
    """Whether the class is not of transformers either: another package has both (CFG018)."""
    return _architecture(config) != "" and knowledge.find("architecture", _architecture(config)) is None


def _fix(config: dict[str, Any], name: str, close: list[str]) -> Fix | None:
    architecture = _architecture(config)
    types = namesakes(architecture)
    if len(types) != 1:
        return None
    edit = Edit("set", "config.json", "/model_type", name, types[0])
    title = f'set "model_type" to "{types[0]}", the type of {architecture}'
    return Fix(title, "safe" if types[0] in close else "unsafe", (edit,))
