"""The zip container of torch files, read as torch reads it, without extracting anything.

Torch goes by the central directory alone (caffe2/serialize/inline_container.cc over miniz): names are compared without
regard to case, offsets count from the start of the file, checksums are not verified, and of the local headers only the
two length fields are used. The module zipfile differs in all of these, so it cannot say what torch would see.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from checkpoint_doctor.facts.torch_file.problems import quoted

MAX_DIRECTORY_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 200_000

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x2041  # bits 0, 6 and 13: the data, strongly, and the headers
_PATCH = 0x20  # bit 5
_FOLDER = 0x10  # in the attributes of DOS
_DAMAGED = "the directory of the zip archive is damaged"
_PARTS = "the zip archive is one of several parts"


class ZipFault(Exception):
    """Why torch, or we, cannot read the archive; `args` are the kind and the message of the problem."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: where its local header begins and how many bytes it holds, before and after inflating.

    `is_file` is false for what is marked as a folder or a patch: torch reads nothing for the one, refuses the other.
    """

    name: str
    header: int
    packed: int
    size: int
    method: int
    is_file: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """The directory of a torch archive.

    Attributes:
        entries: by name behind the prefix, in lower case.
        directory: offset of the central directory, behind which no record may reach.
        doubles: entries whose name occurred before, when case is ignored; which of them torch reads is chance.
        strays: names that do not begin with the prefix; current torch refuses the file for them.
    """

    entries: dict[str, Entry]
    directory: int
    doubles: tuple[Entry, ...]
    strays: tuple[str, ...]

    def find(self, name: str) -> Entry | None:
        """The record of this name behind the prefix."""
        return self.entries.get(_lower(name))


def read_archive(handle: BinaryIO, size: int) -> Archive:
    """Read the central directory of a file of `size` bytes.

    Raises:
        ZipFault: "truncated", "too-large", "encrypted", "malformed-zip" or "not-a-torch-file".
        OSError: the file cannot be read.
    """
    begin, length, count = _find_directory(handle, size)
    if begin + length > size or length < count * _CENTRAL.size:
        raise ZipFault("malformed-zip", "the directory of the zip archive does not fit into the file")
    if count > MAX_ENTRIES or length > MAX_DIRECTORY_BYTES:
        raise ZipFault("too-large", f"the zip archive has {count} entries; at most {MAX_ENTRIES} are read")
    data = _read(handle, begin, length)
    entries: dict[str, Entry] = {}
    doubles: list[Entry] = []
    strays: list[str] = []
    prefix: str | None = None
    pos = 0
    for _ in range(count):
        entry, pos = _entry(data, pos)
        if entry.header + _LOCAL.size + entry.packed > size:
            raise ZipFault("malformed-zip", f"the zip entry {quoted(entry.name)} reaches behind the end of the file")
        if prefix is None:
            folder, slash, _rest = entry.name.partition("/")
            if not slash:
                raise ZipFault("not-a-torch-file", "a zip archive, but not in a folder as torch.save writes it")
            prefix = folder + "/"
        if not entry.name.startswith(prefix):
            strays.append(entry.name)
        if not _lower(entry.name).startswith(_lower(prefix)):
            continue
        name = _lower(entry.name)[len(prefix) :]
        if name in entries:
            doubles.append(entry)
        entries.setdefault(name, entry)
    return Archive(entries, begin, tuple(doubles), tuple(strays))


def locate(handle: BinaryIO, entry: Entry) -> int:
    """Offset of the first byte of a record in the file.

    Raises:
        ZipFault: "malformed-zip", there is no local header.
    """
    data = _read(handle, entry.header, _LOCAL.size)
    if data[:4] != b"PK\x03\x04":
        raise ZipFault("malformed-zip", f"the zip entry {quoted(entry.name)} has no local header")
    fields = _LOCAL.unpack(data)
    return entry.header + _LOCAL.size + int(fields[9]) + int(fields[10])


def read_entry(handle: BinaryIO, entry: Entry, limit: int) -> bytes:
    """The bytes of a record, inflated when need be.

    Raises:
        ZipFault: "compressed-entry" (a method that torch cannot read), "too-large" or "malformed-zip".
    """
    if not entry.is_file:
        raise ZipFault("malformed-zip", f"the zip entry {quoted(entry.name)} is not marked as a file")
    if entry.method not in (_STORED, _DEFLATED):
        raise ZipFault("compressed-entry", f"the zip entry {quoted(entry.name)} is compressed by method {entry.method}")
    if max(entry.size, entry.packed) > limit:
        raise ZipFault("too-large", f"the zip entry {quoted(entry.name)} has more than {limit} bytes")
    data = _read(handle, locate(handle, entry), entry.packed)
    if entry.method == _DEFLATED:
        try:
            data = zlib.decompressobj(-15).decompress(data, entry.size + 1)
        except zlib.error:
            data = b""
    if len(data) != entry.size:
        raise ZipFault("malformed-zip", f"the zip entry {quoted(entry.name)} does not inflate to {entry.size} bytes")
    return data


def _find_directory(handle: BinaryIO, size: int) -> tuple[int, int, int]:
    """Begin and length of the central directory, and the number of its entries."""
    tail_begin = max(0, size - _END.size - 0xFFFF)
    tail = _read(handle, tail_begin, size - tail_begin)
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if at < 0:
        raise ZipFault("truncated", "the directory that ends a zip archive is missing: the file was cut off")
    fields = _END.unpack_from(tail, at)
    disks, counts, length, begin = fields[1:3], fields[3:5], int(fields[5]), int(fields[6])
    locator_at = tail_begin + at - _END64_LOCATOR.size
    if locator_at >= 0:
        mark, _, end64_at, parts = _END64_LOCATOR.unpack(_read(handle, locator_at, _END64_LOCATOR.size))
        if mark == b"PK\x06\x07":
            if end64_at > size - _END64.size:
                raise ZipFault("malformed-zip", "the directory of the zip archive does not fit into the file")
            wide = _END64.unpack(_read(handle, end64_at, _END64.size))
            if wide[0] == b"PK\x06\x06":
                if parts != 1 or wide[1] < _END64.size - 12:
                    raise ZipFault("malformed-zip", _PARTS if parts != 1 else _DAMAGED)
                disks, counts, length, begin = wide[4:6], wide[6:8], int(wide[8]), int(wide[9])
    if disks[0] != disks[1] or disks[0] > 1 or counts[0] != counts[1]:
        raise ZipFault("malformed-zip", _PARTS)
    return begin, length, int(counts[0])


def _entry(data: bytes, pos: int) -> tuple[Entry, int]:
    """The directory entry at `pos`, and the offset of the next."""
    try:
        (
            mark, _, _, flags, method, _, _, _, packed, size, name_size, extra_size, comment_size, disk, _, attributes,
            header,
        ) = _CENTRAL.unpack_from(data, pos)  # fmt: skip
    except struct.error:
        mark = b""
    if mark != b"PK\x01\x02":
        raise ZipFault("malformed-zip", _DAMAGED)
    if disk > 1:
        raise ZipFault("malformed-zip", _PARTS)
    if flags & _ENCRYPTED:
        raise ZipFault("encrypted", "the zip archive is encrypted")
    pos += _CENTRAL.size
    try:
        name = str(data[pos : pos + name_size], "utf-8")
    except UnicodeDecodeError:
        raise ZipFault("malformed-zip", "the zip archive has a file name that is not UTF-8") from None
    pos += name_size
    if 0xFFFFFFFF in (size, packed, header):
        size, packed, header = _widen(data[pos : pos + extra_size], size, packed, header)
    if method == _STORED and packed != size:
        raise ZipFault("malformed-zip", f"the zip entry {quoted(name)} is not compressed, but has two sizes")
    pos += extra_size + comment_size
    if pos > len(data):
        raise ZipFault("malformed-zip", _DAMAGED)
    is_file = not (flags & _PATCH or attributes & _FOLDER or name.endswith("/"))
    return Entry(name, header, packed, size, method, is_file), pos


def _widen(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Replace the 32-bit values that are all ones by the 64-bit ones in the extra field 1."""
    pos = 0
    while pos + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, pos)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{min(length, len(extra) - pos - 4) // 8}Q", extra, pos + 4))
            size, packed, header = (next(wide, value) if value == 0xFFFFFFFF else value for value in values)
            return size, packed, header
        pos += 4 + length
    raise ZipFault("malformed-zip", "the zip archive announces 64-bit sizes but has none")


def _lower(name: str) -> str:
    """ASCII letters in lower case, and no others."""
    return str(name.encode("utf-8").lower(), "utf-8")


def _read(handle: BinaryIO, begin: int, size: int) -> bytes:
    handle.seek(begin)
    data = handle.read(size)
    if len(data) != size:
        raise ZipFault("truncated", f"the file ends {size - len(data)} bytes early")
    return data
