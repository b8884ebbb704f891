"""What a header says about one tensor, the same for safetensors and torch files."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Bits per element of every dtype that safetensors 0.8.0 reads (safetensors/src/tensor.rs, enum Dtype).
# Torch files use the same spelling; COMPLEX128, which safetensors cannot hold, is C128 here.
DTYPE_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
# Dtypes of ordinary weights; the others are quantised, indices, masks or counters.
FLOAT_DTYPES = frozenset({"F16", "BF16", "F32", "F64"})


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a checkpoint file, as its header describes it; no data is held.

    Attributes:
        name: the key in the state dict.
        dtype: the safetensors spelling, such as "BF16", for torch files too.
        shape: the dimensions, outermost first.
        file: the file that holds it, relative to the checkpoint's root, with forward slashes.
        begin: offset of its first byte from the start of `file`.
        end: offset after its last byte; for a strided view, after the last byte it reaches.
        strides: in elements, only when it is not contiguous in row-major order (torch files); else None.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: str
    begin: int
    end: int
    strides: tuple[int, ...] | None = None

    @property
    def numel(self) -> int:
        """Number of elements (1 for a scalar)."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take when contiguous."""
        return self.numel * DTYPE_BITS.get(self.dtype, 0) // 8
