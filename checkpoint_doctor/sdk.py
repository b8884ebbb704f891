"""All that a rule's check.py may import, besides the standard library."""

from __future__ import annotations

import os
import shlex
from collections.abc import Container, Iterator

from checkpoint_doctor.core.finding import Problem
from checkpoint_doctor.core.fix import ABSENT, Action, Edit, Fix, Safety
from checkpoint_doctor.core.tensor import FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts import layout, llava
from checkpoint_doctor.facts.adapter import Adapter, FactorName, strip_prefix
from checkpoint_doctor.facts.base_names import CLASSIC_FAMILIES, QWEN_FAMILIES, BaseNames
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.config import announces_quantization, rope
from checkpoint_doctor.facts.families import DECODERS, KNOWN_FAMILIES, Family, read_family
from checkpoint_doctor.facts.json_text.mend import mend as mend_json
from checkpoint_doctor.facts.lora_rules import Ranks, Targets, stacked_modules
from checkpoint_doctor.facts.naming import merged_path, shorten
from checkpoint_doctor.facts.opened import (
    STAND_INS,
    json_files,
    named_files,
    opened_files,
    refused_headers,
    weight_files,
)
from checkpoint_doctor.facts.safetensors_file.header import printable
from checkpoint_doctor.facts.samples import same_values
from checkpoint_doctor.facts.sniff import describe as describe_kind
from checkpoint_doctor.facts.sniff import lfs_pointer
from checkpoint_doctor.facts.subject import kind as subject_kind
from checkpoint_doctor.facts.wrappers import wrapped
from checkpoint_doctor.knowledge import lookup as knowledge
from checkpoint_doctor.knowledge.architectures import builders, namesakes
from checkpoint_doctor.versions import model_types
from checkpoint_doctor.versions.backends import missing_backends
from checkpoint_doctor.versions.pairs import fuses_experts, importable_peft, per_expert_peft
from checkpoint_doctor.versions.ranges import colliding, span
from checkpoint_doctor.versions.sections import activations
from checkpoint_doctor.versions.solve import loads_with
from checkpoint_doctor.versions.verdict import have, install_line, version_problems

__all__ = [
    "ABSENT",
    "CLASSIC_FAMILIES",
    "DECODERS",
    "FLOAT_DTYPES",
    "KNOWN_FAMILIES",
    "QWEN_FAMILIES",
    "STAND_INS",
    "Adapter",
    "BaseNames",
    "Checkpoint",
    "Edit",
    "FactUnavailable",
    "FactorName",
    "Family",
    "Fix",
    "Problem",
    "Ranks",
    "Safety",
    "Targets",
    "TensorInfo",
    "activations",
    "announces_quantization",
    "builders",
    "close_names",
    "colliding",
    "command",
    "describe_kind",
    "family",
    "fuses_experts",
    "have",
    "header_problems",
    "importable_peft",
    "install_line",
    "json_files",
    "knowledge",
    "layout",
    "lfs_pointer",
    "listed",
    "llava",
    "loads_with",
    "mend_json",
    "merge_fix",
    "missing_backends",
    "model_types",
    "named_files",
    "namesakes",
    "opened_files",
    "per_expert_peft",
    "plural",
    "pointer",
    "printable",
    "refused_headers",
    "rename_fix",
    "rope",
    "same_values",
    "span",
    "stacked_modules",
    "strip_prefix",
    "subject_kind",
    "version_problems",
    "weight_files",
    "wrapped",
]


def pointer(*tokens: str | int) -> str:
    """A JSON pointer from keys and indices."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def command(*words: object) -> str:
    """A shell command with its words quoted where they need it."""
    return " ".join(shlex.quote(printable(str(word), 4096)) for word in words)


def listed(names: list[str], limit: int = 3) -> str:
    """Names for a message: the first few and how many more; escaped, because they come out of the checkpoint."""
    shown = ", ".join(printable(name) for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def close_names(kind: str, name: str) -> list[str]:
    """Names of that kind in the knowledge base that look like this one, best first."""
    from difflib import get_close_matches

    return get_close_matches(name, list(knowledge.names(kind)), n=3, cutoff=0.75) if len(name) <= 200 else []


def header_problems(ckpt: Checkpoint, kinds: Container[str]) -> Iterator[Problem]:
    """A problem for each safetensors file that is refused for a reason of these kinds, and is no other format."""
    for file, problem in refused_headers(ckpt):
        if problem.kind in kinds and ckpt.kind(file) in ("safetensors", "binary"):
            yield Problem(f"{file}: {problem.message}", file=file)


def rename_fix(ckpt: Checkpoint, name: str) -> Fix:
    """The cure "call the directory NAME", as a command that works from inside the directory too."""
    root = ckpt.root if ckpt.root.name not in ("", "..") else type(ckpt.root)(os.path.abspath(ckpt.root))
    return Fix(command("mv", root, root.with_name(name)), "display")


def merge_fix(ckpt: Checkpoint) -> Fix:
    """The cure "merge this adapter", with the exact command for this directory and its base, if that is known."""
    base = str(ckpt.base_location.path or ckpt.base_location.name or "BASE")
    out = str(shorten(merged_path(ckpt.root, ckpt.is_llava)))
    words = ("ckpt-doctor", "fix", "--merge", ckpt.root, "--base", base, "--out", out)
    return Fix(command(*words), "display", action=Action("merge", {"base": base, "out": out}))


def family(ckpt: Checkpoint) -> Family | None:
    """The text model of the directory when its type and its class are known well enough to judge it, else None.

    Raises:
        FactUnavailable: config.json or the weights cannot be read, or the weights are not all there.
    """
    architectures = ckpt.config.get("architectures")
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    known = isinstance(name, str) and (ckpt.is_llava or knowledge.find("architecture", name) is not None)
    return read_family(ckpt) if known else None
