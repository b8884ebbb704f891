"""The format that torch.save wrote before torch 1.6: five pickles, and the raw storages behind them.

The pickles are a magic number, the protocol version 1001, facts about the writing machine, the object, and the keys of
the storages in the order of the file. Each storage is its number of elements (int64) and its bytes, always with the
least significant byte first (torch/csrc/serialization.cpp).
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from typing import BinaryIO

from checkpoint_doctor.facts.torch_file.globals import DTYPES
from checkpoint_doctor.facts.torch_file.listing import Listing
from checkpoint_doctor.facts.torch_file.pickle import Machine, run_at
from checkpoint_doctor.facts.torch_file.problems import Problems, quoted

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def run_legacy(handle: BinaryIO) -> tuple[Machine, Machine | None]:
    """Run over the pickles of a file.

    Returns:
        The object and the keys; or the first pickle and None when it is not the magic number.

    Raises:
        OSError: the file cannot be read.
    """
    first = run_at(handle, 0)
    if type(first.value) is not int or first.value != _MAGIC:
        return first, None
    parts = [first]
    while len(parts) < 5 and parts[-1].trouble is None:
        parts.append(run_at(handle, parts[-1].end, legacy=len(parts) == 3))
    machine = parts[min(3, len(parts) - 1)]
    for part in parts:
        machine.globals.update(part.globals)
        machine.refused.update(part.refused)
        if part.trouble:
            machine.fail(*part.trouble)
    if machine.trouble is None and (type(parts[1].value) is not int or parts[1].value != _PROTOCOL):
        machine.fail("malformed-pickle", "the protocol version is not the 1001 that torch reads")
    return machine, parts[-1]


def legacy_places(
    handle: BinaryIO, size: int, machine: Machine, keys: Machine, listing: Listing, problems: Problems
) -> dict[Hashable, int]:
    """Where each storage begins; what is wrong with a storage is noted."""
    places: dict[Hashable, int] = {}
    seen: set[Hashable] = set()
    pos = keys.end
    for key in keys.value if isinstance(keys.value, (list, tuple)) else ():
        storage = machine.storages.get(key) if type(key) in (str, int) else None
        if storage is None or key in seen:
            problems.add("malformed-pickle", f"storage {quoted(key)} is listed, but unknown or listed before")
            break
        seen.add(key)
        handle.seek(min(pos, size))
        header = handle.read(8)
        expected = storage.nbytes // DTYPES[storage.dtype][1]
        elements = struct.unpack("<q", header)[0] if len(header) == 8 else expected
        if elements != expected:
            kind = "storage-too-short" if elements < expected else "storage-too-long"
            message = f"storage {quoted(key)} has {elements} elements in the file, but {expected} in the pickle"
            problems.add(kind, message, listing.user(key))
            break
        pos += 8 + storage.nbytes
        if pos <= size:
            places[key] = pos - storage.nbytes
        else:
            message = f"storage {quoted(key)} ends {pos - size} bytes behind the end of the file"
            problems.add("truncated", message, listing.user(key))
    if machine.untyped:
        message = "float8 and unsigned dtypes cannot be loaded from this format by torch itself; re-save as zip"
        problems.add("unknown-dtype", message)
    for key in machine.storages:
        if key not in seen:
            # torch leaves such a storage as it was allocated: the values are whatever lay in memory.
            problems.add("storage-missing", f"storage {quoted(key)} is not in the file", listing.user(key))
    return places
