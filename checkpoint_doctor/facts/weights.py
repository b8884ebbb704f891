"""Which weight files transformers would load from a directory, and in which order it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from checkpoint_doctor.facts.shard_index import ShardIndex

# modeling_utils.py::_get_resolved_checkpoint_files of transformers 5.23.0 and 4.57.6: the first that exists wins.
CANDIDATES = (
    ("model.safetensors", "safetensors", False),
    ("model.safetensors.index.json", "safetensors", True),
    ("pytorch_model.bin", "torch", False),
    ("pytorch_model.bin.index.json", "torch", True),
)


@dataclass(frozen=True, slots=True)
class WeightSet:
    """The files that hold the full model.

    Attributes:
        format: "safetensors", "torch", or "none".
        index: the index, when the set is sharded and its JSON can be read.
        index_file: the index's name, also when it cannot be read; "" for a single file.
        files: the files that are there, sorted.
        missing: files that the index names and that are not there.
    """

    format: Literal["safetensors", "torch", "none"]
    index: ShardIndex | None = None
    index_file: str = ""
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def choose(files: Mapping[str, object]) -> tuple[str, Literal["safetensors", "torch", "none"], bool]:
    """The file that loading starts from, its format, and whether it is an index; ("", "none", False) without one."""
    for name, format_, is_index in CANDIDATES:
        if name in files:
            return name, format_, is_index  # type: ignore[return-value]
    return "", "none", False
