"""Whether a weight is stored as Linear does, [out, in], or as Conv1D does, [in, out].

PEFT decides by the module's class and ignores fan_in_fan_out where it disagrees (tuners/lora/layer.py, tuners/lora/
model.py), so the flag proves nothing. The shapes prove it unless the matrix is square; then the architecture must.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable

# Model types of transformers 5.23.0 whose modules of these names are pytorch_utils.Conv1D.
CONV1D_TYPES = frozenset({"gpt2", "openai-gpt", "imagegpt", "decision_transformer", "clvp", "clvp_decoder"})
_LEAF = re.compile(r"(?:.*\.)?(c_attn|q_attn|c_proj|c_fc)\.weight\Z")


class Orientation:
    """Answers for one base."""

    def __init__(self, base: Mapping[str, TensorInfo], model_type: str | None) -> None:
        self._conv1d = _evidence(base)
        if self._conv1d is None:
            self._conv1d = model_type in CONV1D_TYPES

    def transposed(self, name: str, shape: tuple[int, ...], out: int, into: int) -> bool:
        """Whether the stored weight is the transpose of B @ A.

        Args:
            name: the weight's name in the base.
            shape: its stored shape.
            out: rows of lora_B.
            into: columns of lora_A.

        Raises:
            UserError: neither way fits.
        """
        linear, conv1d = shape == (out, into), shape == (into, out)
        if linear and conv1d:
            return bool(self._conv1d and _LEAF.match(name))
        if linear or conv1d:
            if conv1d and not _LEAF.match(name):
                raise UserError(
                    f"{printable(name)} has shape {list(shape)} in the base, the adapter was made for [{out}, {into}]",
                    "this is not the base that the adapter was trained on",
                )
            return conv1d
        raise UserError(
            f"{printable(name)} has shape {list(shape)} in the base, the adapter was made for [{out}, {into}]",
            "this is not the base that the adapter was trained on",
        )


def _evidence(base: Mapping[str, TensorInfo]) -> bool | None:
    """What the biases of the base's own non-square weights say: a bias is as long as the output."""
    for name, tensor in base.items():
        if _LEAF.match(name) is None or len(tensor.shape) != 2 or tensor.shape[0] == tensor.shape[1]:
            continue
        bias = base.get(name.removesuffix("weight") + "bias")
        if bias is not None and len(bias.shape) == 1 and bias.shape[0] in tensor.shape:
            return bias.shape[0] == tensor.shape[1]
    return None
