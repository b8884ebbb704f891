"""What file names alone say: sets of shards, half-finished downloads, names that were meant to be others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.shard_index import read_index
from checkpoint_doctor.facts.weights import CANDIDATES

# The stems of transformers' own shards (modeling_utils.py, SAFE_WEIGHTS_NAME and WEIGHTS_NAME) and their endings.
_SHARD = re.compile(
    r"(?P<stem>model|pytorch_model)-(?P<number>\d{1,6})-of-(?P<total>\d{1,6})\.(?P<ending>safetensors|bin)"
)
_PARTIAL = re.compile(
    r"(?P<target>.+?\.(?:safetensors|bin|json|model|pt|pth|gguf))(?:\.[\w-]+)?"
    r"\.(?P<tool>part|partial|incomplete|crdownload|download|opdownload|aria2|tmp)",
    re.IGNORECASE,
)
WEIGHT_NAMES = (*(name for name, _, _ in CANDIDATES), "adapter_model.safetensors", "adapter_model.bin")
LOADED_NAMES = (
    *WEIGHT_NAMES, "config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "preprocessor_config.json",
)  # fmt: skip
_KEYS = {re.sub(r"[-_ ]", "", name): name for name in LOADED_NAMES}
# Saved per rank: torch.distributed.checkpoint, DeepSpeed, accelerate's FSDP, verl, Megatron.
_DISTRIBUTED = (
    ("torch.distributed.checkpoint", re.compile(r"(?:.*/)?[^/]+\.distcp")),
    ("DeepSpeed", re.compile(r"(?:.*/)?(?:zero_pp_rank_\d+_)?mp_rank_\d+_model_states\.pt")),
    ("FSDP", re.compile(r"(?:.*/)?pytorch_model_fsdp(?:_\d+)?\.bin")),
    ("verl", re.compile(r"(?:.*/)?model_world_size_\d+_rank_\d+\.pt")),
    ("Megatron", re.compile(r"(?:.*/)?mp_rank_\d+(?:_\d+)?/(?:model_optim_rng|distrib_optim|model_rng)\.pt")),
)
_COPY_MARKS = re.compile(r"\?download=\w+|\s*\(\d{1,3}\)|\s+-\s+copy|\s+copy(?:\s+\d+)?|\.txt\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ShardSet:
    """Shards on disk that share a stem, a total and an ending.

    Attributes:
        stem: "model" or "pytorch_model".
        total: the N of "-of-N".
        ending: "safetensors" or "bin".
        files: number to file name, sorted.
    """

    stem: str
    total: int
    ending: str
    files: Mapping[int, str]

    @property
    def complete(self) -> bool:
        """Whether the shards 1 to N are all there."""
        return len(self.files) == self.total and min(self.files) == 1 and max(self.files) == self.total


def shard_sets(files: Iterable[str]) -> list[ShardSet]:
    """The sets of shards among top-level names, by ending, stem and total."""
    found: dict[tuple[str, str, int], dict[int, str]] = {}
    for name in sorted(files):
        match = _SHARD.fullmatch(name)
        if match:
            key = (match["ending"], match["stem"], int(match["total"]))
            found.setdefault(key, {})[int(match["number"])] = name
    ordered = sorted(found.items(), reverse=True)
    return [ShardSet(stem, total, ending, files) for (ending, stem, total), files in ordered]


def build_index(ckpt: Checkpoint, files: Iterable[str]) -> dict[str, Any] | None:
    """The index that belongs to these shards, as `save_pretrained` writes it; None when a name stands in two of them.

    Raises:
        FactUnavailable: a shard cannot be read.
    """
    weight_map: dict[str, str] = {}
    total = 0
    for file in sorted(files):
        tensors = ckpt.tensors_of(file)
        if not weight_map.keys().isdisjoint(tensors):
            return None
        weight_map.update(dict.fromkeys(tensors, file))
        total += sum(tensor.nbytes for tensor in tensors.values())
    return {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))} if weight_map else None


def shard_index_of(ckpt: Checkpoint) -> dict[str, Any] | None:
    """The index for the one set of shards that is there, when it is whole and readable; otherwise None."""
    ending = "bin" if ckpt.weights.format == "torch" else "safetensors"
    sets = shard_sets(ckpt.files)
    if ckpt.weights.format != "none":
        sets = [found for found in sets if found.ending == ending]
    if len(sets) != 1 or not sets[0].complete:
        return None
    try:
        return build_index(ckpt, sets[0].files.values())
    except FactUnavailable:
        return None


def shadowed_bin(ckpt: Checkpoint) -> tuple[str, ...]:
    """The complete torch weights that an incomplete safetensors index keeps from being loaded; () for none."""
    if ckpt.weights.format != "safetensors" or not ckpt.weights.missing:
        return ()
    if ckpt.has("pytorch_model.bin"):
        return ("pytorch_model.bin",)
    name = "pytorch_model.bin.index.json"
    try:
        index = read_index(ckpt.json(name), name)
    except FactUnavailable:
        return ()
    whole = index.shards and not index.escapes and all(ckpt.has(shard) for shard in index.shards)
    return index.shards if whole else ()


def distributed(files: Iterable[str]) -> dict[str, list[str]]:
    """Who saved by rank to the files that hold the parts of the model."""
    found: dict[str, list[str]] = {}
    for name in files:
        for program, pattern in _DISTRIBUTED:
            if pattern.fullmatch(name):
                found.setdefault(program, []).append(name)
    return found


def unfinished(ckpt: Checkpoint) -> dict[str, str]:
    """Name of a file that the libraries would load to the leftover of its download, in the top folder.

    A leftover counts when the file itself is not there, or when aria2 has not finished writing it.
    """
    found = {}
    missing = set(ckpt.weights.missing)
    for name in ckpt.files:
        match = _PARTIAL.fullmatch(name)
        if not match or "/" in name:
            continue
        target = match["target"]
        if match["tool"].lower() == "aria2" and target in ckpt.files:
            wanted = target in ckpt.weights.files or target in LOADED_NAMES
        else:
            wanted = target not in ckpt.files and _is_wanted(ckpt, target, missing)
        if wanted:
            found[target] = name
    return found


def misspelled(ckpt: Checkpoint) -> dict[str, str]:
    """Name that the libraries would load to the one in the top folder that was meant to be it.

    Case, hyphens for underscores, the marks that browsers and file managers put on copies, and ".txt" are seen
    through; a name counts only when no file has the right one.
    """
    found: dict[str, str] = {}
    missing = {_plain(name): name for name in ckpt.weights.missing}
    for name in ckpt.files:
        plain = _plain(_COPY_MARKS.sub("", name)) if "/" not in name else ""
        target = _KEYS.get(plain) or missing.get(plain)
        if target is None and (match := _SHARD.fullmatch(_COPY_MARKS.sub("", name).lower())):
            target = match[0] if ckpt.weights.format == "none" else None
        if target and target not in ckpt.files and _is_wanted(ckpt, target, set(ckpt.weights.missing)):
            found.setdefault(target, name)
    return found


def _is_wanted(ckpt: Checkpoint, target: str, missing: set[str]) -> bool:
    """Whether the directory would be read differently if it had that file."""
    if target in missing:
        return True
    if target in ("adapter_model.safetensors", "adapter_model.bin"):
        return ckpt.adapter is not None and ckpt.adapter.weights_file is None
    if target in WEIGHT_NAMES or _SHARD.fullmatch(target):
        return ckpt.weights.format == "none"
    return target in LOADED_NAMES


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower())
