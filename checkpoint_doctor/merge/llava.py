"""LLaVA's own side files of a run, with names as its loader reads them.

Source: haotian-liu/LLaVA at c121f04, llava/model/builder.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checkpoint_doctor.core.tensor import FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.methods.update import Copy

# What a run adds to a plain language model.
_ADDED = re.compile(r"model\.(?:mm_projector\.|image_newline\Z|vision_resampler\.|vision_tower\.vision_tower\.)")


def loader_names(names: Iterable[str]) -> dict[str, str]:
    """Name in the file to name in the model, by lines 76-79 of builder.py.

    One leading `base_model.` is dropped; then, if any name starts with `model.model.`, one leading `model.` is dropped
    from every name that starts with `model.`.
    """
    first = {name: name.removeprefix("base_model.") for name in names}
    if any(name.startswith("model.model.") for name in first.values()):
        return {name: bare.removeprefix("model.") for name, bare in first.items()}
    return first


def may_be_new(name: str) -> bool:
    """Whether a tensor of this name may be added to a base that does not have it."""
    return _ADDED.match(name) is not None


def side_copies(adapter: Checkpoint) -> list[Copy]:
    """The full values in non_lora_trainables.bin of a LoRA run, or in mm_projector.bin of a projector run.

    Raises:
        UserError: the file cannot be read, is empty, or holds what is no weight.
    """
    if adapter.adapter is not None:
        file = llava.NON_LORA_FILE
        renamed = loader_names
    else:
        file = llava.PROJECTOR_FILE
        renamed = _as_they_are
    try:
        tensors = adapter.tensors_of(file)
    except FactUnavailable as problem:
        raise UserError(
            f"{adapter.root}: {problem.reason}", "copy the file from the run's output directory again"
        ) from None
    for tensor in tensors.values():
        _check_values(tensor, file)
    return [Copy(target, tensors[name]) for name, target in renamed(tensors).items()]


def _as_they_are(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _check_values(tensor: TensorInfo, file: str) -> None:
    name = printable(tensor.name)
    if tensor.numel == 0:
        raise UserError(
            f"{name} in {file} is empty (shape {list(tensor.shape)})",
            "DeepSpeed ZeRO-3 saved placeholders; gather the parameters and save again",
        )
    if tensor.dtype not in FLOAT_DTYPES:
        raise UserError(f"{name} in {file} has dtype {tensor.dtype}", "only F16, BF16, F32 and F64 can be merged")
