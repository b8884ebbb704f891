"""Whose the model_type of config.json is: transformers', the directory's own code's, another package's, nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.subject import kind as subject_kind
from checkpoint_doctor.knowledge import lookup

Owner = Literal["", "transformers", "llava", "own-code", "newer", "remote", "package", "nobody"]

# Directories whose libraries read another config.json, or none.
OTHER_LIBRARIES = {
    "diffusers", "gguf", "keras", "onnx", "adapter-hub", "adapter", "llava-adapter", "mlx", "timm",
}  # fmt: skip


def owner(ckpt: Checkpoint) -> Owner:
    """Who defines the model type.

    "transformers": a release of it does, not necessarily the newest. "llava": the original llava packages. "own-code":
    auto_map brings the config class. "newer": nobody we know, but a transformers newer than our table wrote the file.
    "remote": code on the Hub of which we know. "package": the class is not of transformers either. "nobody": most
    likely a misspelling. "": no judgement, because there is no type or another library reads the directory.

    Raises:
        FactUnavailable: config.json cannot be read.
    """
    config = ckpt.config
    name = config.get("model_type")
    if not isinstance(name, str):
        return ""
    if lookup.find("model_type", name):
        return "transformers"
    if name in llava.PACKAGE_TYPES:
        return "llava"
    if has_own_code(config):
        return "own-code"
    if subject_kind(ckpt) in OTHER_LIBRARIES:
        return ""
    if written_by_newer(config):
        return "newer"
    if lookup.find("remote_type", name):
        return "remote"
    architecture = first_architecture(config)
    foreign = architecture != "" and lookup.find("architecture", architecture) is None
    if foreign and not any(_plain(other) == _plain(name) for other in similar(name)):
        return "" if config.get("auto_map") else "package"
    return "nobody"


def has_own_code(config: Mapping[str, Any]) -> bool:
    """Whether auto_map names a config class, which is then used for types that transformers does not have."""
    entries = config.get("auto_map")
    return isinstance(entries, dict) and bool(entries.get("AutoConfig"))


def written_by_newer(config: Mapping[str, Any]) -> bool:
    """Whether a transformers newer than our table wrote the file."""
    version = config.get("transformers_version")
    newest = lookup.release(lookup.newest("transformers"))
    return isinstance(version, str) and lookup.release(version) > newest


def first_architecture(config: Mapping[str, Any]) -> str:
    """The class that the file says it was saved from, "" when it says none."""
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    return name if isinstance(name, str) else ""


def similar(name: str) -> list[str]:
    """Model types that look like a name, best first."""
    from difflib import get_close_matches

    return get_close_matches(name.strip().lower()[:100], list(lookup.names("model_type")), n=3, cutoff=0.75)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")
