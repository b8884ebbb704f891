"""The weight files of the merged model: the base's own split, always safetensors, and the index that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.merge import ties
from checkpoint_doctor.merge.ops import Op, OutFile

INDEX_FILE = "model.safetensors.index.json"
_TORCH_NAME = re.compile(r"pytorch_model(.*)\.bin\Z")
# Names under which old files keep further copies of one table; the first of a pair is the one that stays.
_ALIASES = (
    (ties.INPUT, ties.OUTPUT),
    (re.compile(r"shared\.weight\Z"), re.compile(r"(?:encoder|decoder)\.embed_tokens\.weight\Z|lm_head\.weight\Z")),
)


def dropped_aliases(stored: Mapping[str, TensorInfo], config: Mapping[str, Any], changed: Container[str]) -> set[str]:
    """Names of one torch file that are left out because they are another name's bytes and loading ties them again.

    Safetensors cannot let two names share bytes. Only tied heads and embeddings are left out, unless config.json says
    that they are not tied or the merge changes one of them; other aliases are written out in full.
    """
    if config.get("tie_word_embeddings") is False:
        return set()
    places: dict[tuple[object, ...], list[str]] = {}
    for name, tensor in stored.items():
        places.setdefault((tensor.begin, tensor.end, tensor.shape, tensor.strides, tensor.dtype), []).append(name)
    dropped: set[str] = set()
    for names in places.values():
        if any(name in changed for name in names):
            continue
        for kept, alias in _ALIASES:
            if any(kept.match(name) for name in names):
                dropped.update(name for name in names if alias.match(name) and not kept.match(name))
    return dropped


def out_files(operations: Sequence[Sequence[Op]], base: Checkpoint) -> tuple[OutFile, ...]:
    """Give every file of the base its name in the result, and its header where that stays the same.

    Raises:
        UserError: two torch files would get one name.
    """
    made = []
    for file, ops in zip(base.weights.files, operations, strict=True):
        same = base.weights.format == "safetensors" and all(
            op.kind != "new" and op.shape == base.tensors_of(file)[op.name].shape for op in ops
        )
        made.append(OutFile(_out_name(file, base), tuple(ops), base.root / file if same else None))
    if len({file.name for file in made}) < len(made):
        raise UserError(
            f"two weight files of {base.root} would get the same name", "convert the base to safetensors first"
        )
    return tuple(made)


def _out_name(file: str, base: Checkpoint) -> str:
    if base.weights.format == "safetensors":
        return file
    match = _TORCH_NAME.match(file)
    return f"model{match[1]}.safetensors" if match else file.rpartition(".")[0] + ".safetensors"


def index(files: Sequence[OutFile], base: Checkpoint) -> tuple[dict[str, Any] | None, str | None]:
    """The new index, or the name of the base's own when not a byte of it changes; (None, None) without one."""
    if not base.weights.index_file:
        return None, None
    if all(file.like is not None for file in files):
        return None, base.weights.index_file
    metadata = dict(base.weights.index.metadata or {}) if base.weights.index else {}
    metadata["total_size"] = sum(op.nbytes for file in files for op in file.ops)
    if "total_parameters" in metadata:
        metadata["total_parameters"] = sum(op.numel for file in files for op in file.ops)
    weight_map = {op.name: file.name for file in files for op in file.ops}
    return {"metadata": metadata, "weight_map": dict(sorted(weight_map.items()))}, None
