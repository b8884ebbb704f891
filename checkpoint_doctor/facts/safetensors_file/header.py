"""Reads the header of a safetensors file, with all that is wrong with it.

The judge is `SafeTensors::read_metadata` of safetensors 0.8.0 (safetensors/src/tensor.rs), which stops at the first
error: the same checks are made here in the same order, but the reading goes on as long as it makes sense, so that one
look tells everything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.opening import open_file
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.safetensors_file.entries import bits_of, check_layout, read_entries, read_metadata
from checkpoint_doctor.facts.safetensors_file.problem import HeaderProblem, Problems
from checkpoint_doctor.facts.safetensors_file.strict_json import read_members

__all__ = ["MAX_HEADER_BYTES", "HeaderProblem", "SafetensorsHeader", "parse_header", "printable", "read_header"]

MAX_HEADER_BYTES = 100_000_000
# Commas and brackets, about eight a tensor. The library has no such limit; more would take minutes and gigabytes here.
MAX_HEADER_VALUES = 3_000_000


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """What the header of one file says.

    Attributes:
        tensors: the entries that could be read, also of a truncated or otherwise refused file, sorted by begin; of
            several with one name the last, as in the library; none of 2^64 bits or more. Only when `loads` is true do
            they lie inside the file, without gaps and with sizes that fit their shapes.
        metadata: the strings under `__metadata__`; empty when there are none or when they cannot be read.
        header_bytes: N, the length of the JSON text; 0 when there is no such text in the file.
        file_bytes: the size of the file.
        missing_bytes: how many bytes the file is too short (above 0; at least that many when the header itself is cut
            off) or too long (below 0); 0 when it fits or when nothing can be said.
        problems: in the order of the library's checks; at most 20 of one kind and then one that counts the rest.
    """

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, str]
    header_bytes: int
    file_bytes: int
    missing_bytes: int
    problems: tuple[HeaderProblem, ...]

    @property
    def loads(self) -> bool:
        """Whether safetensors 0.8.0 opens the file."""
        return not any(problem.fatal for problem in self.problems)


def read_header(
    path: str | os.PathLike[str], file: str, root: str | os.PathLike[str] | None = None
) -> SafetensorsHeader:
    """Read the header of the file at `path`; `file` is the name that its tensors get.

    Nothing but these 8 + N bytes is needed, and N is trusted only when it is within the limit and within the file.

    Raises:
        OSError: it cannot be read, is not a regular file, or lies outside of `root`, when that is given.
        FactUnavailable: the header has more values than that of any real file.
    """
    with open_file(path, root) as stream:
        file_bytes = os.fstat(stream.fileno()).st_size
        prefix = stream.read(8)
        n = int.from_bytes(prefix, "little")
        readable = len(prefix) == 8 and n <= MAX_HEADER_BYTES and 8 + n <= file_bytes
        head = stream.read(n) if readable else b""
    if sum(map(head.count, (b",", b"[", b"{"))) > MAX_HEADER_VALUES:
        raise FactUnavailable(f"the header of {file} has more than {MAX_HEADER_VALUES // 10**6} million values")
    return parse_header(head, n, file_bytes, file)


def parse_header(head: bytes, n: int, file_bytes: int, file: str) -> SafetensorsHeader:
    """Judge a header without touching a file; never raises for any `head`.

    Args:
        head: the N bytes after the first eight; may be empty when N is too large for the file or the limit.
        n: the number in the first eight bytes, from 0 to 2**64 - 1; of no meaning when file_bytes is below 8.
        file_bytes: the size of the whole file.
        file: the name that the tensors get.
    """
    problems = Problems()
    start = 8 + n  # of the data
    if file_bytes < 8:
        problems.add("too-small", f"the file has {file_bytes} bytes; the length of the header alone takes 8")
        return SafetensorsHeader((), {}, 0, file_bytes, 0, problems.all())
    if n > MAX_HEADER_BYTES:
        text = printable(n.to_bytes(8, "little").decode("latin-1"))
        problems.add(
            "header-too-large",
            f"the first 8 bytes (`{text}`) announce a header of {n} bytes, the limit is {MAX_HEADER_BYTES}: "
            "this is not a safetensors file",
        )
        return SafetensorsHeader((), {}, 0, file_bytes, 0, problems.all())
    if start > file_bytes or len(head) < n:
        problems.add("header-past-end", f"the header should end at byte {start}, the file ends at byte {file_bytes}")
        return SafetensorsHeader((), {}, 0, file_bytes, max(0, start - file_bytes), problems.all())

    members = read_members(head[:n], problems)
    if members is None:
        return SafetensorsHeader((), {}, n, file_bytes, 0, problems.all())
    metadata = read_metadata([value for name, value in members if name == "__metadata__"], problems)
    entries, complete = read_entries([member for member in members if member[0] != "__metadata__"], problems)
    check_layout(entries, complete, problems)

    missing = start + max((entry.end for entry in entries), default=0) - file_bytes
    if missing > 0:
        problems.add(
            "truncated",
            f"{missing} bytes are missing: the header describes a file of {file_bytes + missing} bytes, "
            f"this one has {file_bytes}",
        )
    elif missing < 0 and complete:
        problems.add(
            "trailing-bytes",
            f"{plural(-missing, 'byte')} too many behind the last tensor, which ends at {file_bytes + missing}",
        )
    elif not complete:  # the end of an entry that cannot be read is not known
        missing = 0
    tensors = tuple(
        TensorInfo(entry.name, entry.dtype, entry.shape, file, start + entry.begin, start + entry.end)
        for entry in entries
        if entry.begin <= entry.end and bits_of(entry) < 1 << 64
    )
    return SafetensorsHeader(tensors, metadata, n, file_bytes, missing, problems.all())
