"""What every method yields: changes of single tensors, in the adapter's own spelling of their names."""

from __future__ import annotations

from dataclasses import dataclass

from checkpoint_doctor.core.tensor import TensorInfo


@dataclass(frozen=True, slots=True)
class Pair:
    """A low-rank update of a weight.

    Attributes:
        target: the tensor it changes, such as "model.layers.0.mlp.up_proj.weight".
        a: lora_A [r, in], or lora_embedding_A [r, rows].
        b: lora_B [out, r], or lora_embedding_B [columns, r].
        scale: what B @ A is multiplied with.
        embedding: an embedding's factors, whose product is the transpose of the table.
    """

    target: str
    a: TensorInfo
    b: TensorInfo
    scale: float
    embedding: bool = False


@dataclass(frozen=True, slots=True)
class BiasShift:
    """lora_B.bias: scale * vector is added to the bias `target`."""

    target: str
    vector: TensorInfo
    scale: float


@dataclass(frozen=True, slots=True)
class Copy:
    """The adapter's own full value of a tensor, which replaces the base's.

    Attributes:
        target: the tensor it replaces.
        tensor: the value.
        trained_apart: it belongs to `modules_to_save`: PEFT trained a copy of the module, so that a table tied to the
            original one did not follow.
    """

    target: str
    tensor: TensorInfo
    trained_apart: bool = False


Update = Pair | BiasShift | Copy


@dataclass(frozen=True, slots=True)
class Found:
    """What a method found in the adapter.

    Attributes:
        updates: the changes.
        idle: tensors that rightly have no effect: frozen originals, and second copies of the same bytes.
        warnings: doubts for the user.
    """

    updates: list[Update]
    idle: list[TensorInfo]
    warnings: list[str]
