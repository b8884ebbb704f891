"""The vocabulary of a plan: one operation per tensor of the merged model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from checkpoint_doctor.core.tensor import DTYPE_BITS, TensorInfo

Kind = Literal["copy", "add", "replace", "new"]


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor and the directory its file lies in."""

    root: Path
    tensor: TensorInfo

    @property
    def path(self) -> Path:
        """The file to open."""
        return self.root / self.tensor.file


@dataclass(frozen=True, slots=True)
class LowRank:
    """The update scale * B @ A.

    Attributes:
        a: [r, columns of B @ A].
        b: [rows of B @ A, r].
        scale: alpha / r or alpha / sqrt(r).
        transposed: the stored weight is the transpose of B @ A's layout (Conv1D, embeddings).
    """

    a: Source
    b: Source
    scale: float
    transposed: bool = False

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is read for it."""
        return self.a, self.b

    @property
    def rank(self) -> int:
        """The inner dimension."""
        return self.a.tensor.shape[0]


@dataclass(frozen=True, slots=True)
class Shift:
    """The update scale * vector, of the target's own shape (PEFT's lora_bias)."""

    vector: Source
    scale: float

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is read for it."""
        return (self.vector,)


@dataclass(frozen=True, slots=True)
class Op:
    """How one tensor of the merged model comes to be: its start, plus the terms, rounded once.

    Attributes:
        name: in the merged model.
        kind: "copy" has no terms and starts from the base with the same dtype and shape.
        dtype: as it will be stored.
        shape: as it will be stored.
        start: where the values start from: the base's tensor, or the adapter's own copy.
        terms: what is added in float32 (float64 for F64).
    """

    name: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    start: Source
    terms: tuple[LowRank | Shift, ...] = ()

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in the merged file."""
        return self.numel * DTYPE_BITS[self.dtype] // 8

    @property
    def matrix(self) -> tuple[int, int]:
        """(rows, columns) in which the work is cut: a low-rank update needs rows, anything else is a long column."""
        if any(isinstance(term, LowRank) for term in self.terms):
            return self.shape[0], math.prod(self.shape[1:])
        return self.numel, 1

    @property
    def detail(self) -> str:
        """What is added, for people."""
        words = []
        for term in self.terms:
            what, turned = ("bias", False) if isinstance(term, Shift) else (f"r={term.rank}", term.transposed)
            words.append(f"{what} scale={term.scale:.6g}" + (" transposed" if turned else ""))
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class OutFile:
    """One weight file of the merged model.

    Attributes:
        name: its file name.
        ops: its tensors.
        like: the base's safetensors file that has the same names, dtypes and shapes, so that its header is taken byte
            for byte; None when a header must be written.
    """

    name: str
    ops: tuple[Op, ...]
    like: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done, known from headers alone.

    Attributes:
        files: the weight files.
        index: the shard index as a JSON value, or None for a single file.
        index_like: the base's own index file when it stays right byte for byte.
        config: changes of config.json, key to value.
        consumed: the adapter's tensors, each used exactly once.
        notes: decisions for the user to know.
        warnings: doubts for the user to look at.
    """

    files: tuple[OutFile, ...]
    index: Mapping[str, Any] | None
    index_like: str | None
    config: Mapping[str, Any] = field(default_factory=dict)
    consumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Op, ...]:
        """The operations that make new values."""
        return tuple(op for file in self.files for op in file.ops if op.kind != "copy")
