"""Where every byte of an output file goes: its header, and the range of each tensor behind it.

Layout rules of safetensors 0.8.0 (safetensors/src/tensor.rs, `prepare`): tensors by descending alignment of their
dtype, then by name; the header is padded with spaces to a multiple of 8.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from checkpoint_doctor.core.tensor import DTYPE_BITS, TensorInfo
from checkpoint_doctor.facts.opening import open_file
from checkpoint_doctor.facts.safetensors_file.header import read_header
from checkpoint_doctor.merge.ledger import LedgerError
from checkpoint_doctor.merge.ops import Op, OutFile


@dataclass(frozen=True, slots=True)
class Placed:
    """An operation and where its result goes: absolute byte offsets in the output file."""

    op: Op
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One output file.

    Attributes:
        name: its file name.
        header: its first bytes: the length, the JSON text and its padding.
        placed: the tensors in the order of their bytes, without holes.
        like: the base's file when the header is its own, byte for byte.
    """

    name: str
    header: bytes
    placed: tuple[Placed, ...]
    like: Path | None

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.placed[-1].end if self.placed else len(self.header)


def lay_out(file: OutFile) -> Layout:
    """Place the tensors of a file."""
    if file.like is not None:
        return _like_the_base(file, file.like)
    # The enum's order in safetensors is by size; within one size it does not matter to a reader.
    ops = sorted(file.ops, key=lambda op: (-DTYPE_BITS[op.dtype], op.dtype, op.name))
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for op in ops:
        entries[op.name] = {"dtype": op.dtype, "shape": list(op.shape), "data_offsets": [offset, offset + op.nbytes]}
        offset += op.nbytes
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    header = len(text).to_bytes(8, "little") + text
    placed, begin = [], len(header)
    for op in ops:
        placed.append(Placed(op, begin, begin + op.nbytes))
        begin += op.nbytes
    return Layout(file.name, header, tuple(placed), None)


def _like_the_base(file: OutFile, like: Path) -> Layout:
    header = read_header(like, file.name)
    stored: dict[str, TensorInfo] = {tensor.name: tensor for tensor in header.tensors}
    if not header.loads or stored.keys() != {op.name for op in file.ops}:
        raise LedgerError(f"{like} is not what was planned with")
    placed = [Placed(op, stored[op.name].begin, stored[op.name].end) for op in file.ops]
    with open_file(like) as stream:
        return Layout(
            file.name, stream.read(8 + header.header_bytes), tuple(sorted(placed, key=lambda p: (p.begin, p.end))), like
        )
