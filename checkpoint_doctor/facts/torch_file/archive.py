"""The zip archive that torch.save writes since torch 1.6: its pickle, and where its storages lie."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable
from typing import BinaryIO

from checkpoint_doctor.facts.torch_file.listing import Listing
from checkpoint_doctor.facts.torch_file.pickle import MAX_PICKLE_BYTES, Machine, run_at
from checkpoint_doctor.facts.torch_file.problems import Problems, quoted
from checkpoint_doctor.facts.torch_file.zip import Archive, Entry, ZipFault, locate, read_entry

_VERSIONS = range(1, 11)
_MAX_DOUBLES = 3
# Records that torch.load reads although nothing depends on them.
_SMALL: dict[str, Callable[[bytes], bool]] = {
    ".format_version": lambda value: value != b"?",
    ".storage_alignment": lambda value: not value or value.strip().isdigit(),
    "serialization_id": lambda value: value != b"?" and value.decode("utf-8", "ignore").encode() == value,
}


def run_archive(handle: BinaryIO, archive: Archive, problems: Problems) -> tuple[Machine, bool]:
    """Check that torch takes the archive for one of its own, and run over data.pkl.

    Returns:
        The machine after the run, and whether the storages have the most significant byte first.

    Raises:
        ZipFault: torch does not, or data.pkl cannot be read.
        OSError: the file cannot be read.
    """
    if "constants.pkl" in archive.entries:
        raise ZipFault("torchscript", "a TorchScript archive (torch.jit.save): a program, not a state dict")
    if "data.pkl" not in archive.entries:
        raise ZipFault("not-a-torch-file", "a zip archive, but without the data.pkl of torch.save")
    machine = Machine(read_entry(handle, archive.entries["data.pkl"], MAX_PICKLE_BYTES)).run()
    if archive.strays:
        message = f"the zip entry {quoted(archive.strays[0])} lies outside the folder of the others: torch refuses that"
        problems.add("stray-entry", message)
    for name, is_sound in _SMALL.items():
        if not is_sound(_record(handle, archive, name)):
            problems.add("malformed-zip", f"the record {quoted(name)} of the archive cannot be read")
    version = _record(handle, archive, "version").strip()
    if not version.isdigit() or int(version) not in _VERSIONS:
        said = quoted(str(version, "latin-1")) if version else "missing"
        problems.add("not-a-torch-file", f"the format version of the archive is {said}; torch reads 1 to 10")
    order = _record(handle, archive, "byteorder") or b"little"
    if order not in (b"little", b"big"):
        machine.fail("malformed-zip", f"the byte order is {quoted(str(order, 'latin-1'))}, neither little nor big")
    if archive.doubles:
        machine.fail("duplicate-entry", f"the zip entry {quoted(archive.doubles[0].name)} occurs twice")
        pickles = [entry for entry in archive.doubles if entry.name.lower().endswith("/data.pkl")]
        for entry in pickles[:_MAX_DOUBLES]:
            machine.globals.update(Machine(read_entry(handle, entry, MAX_PICKLE_BYTES)).run().globals)
    return machine, order == b"big"


def _record(handle: BinaryIO, archive: Archive, name: str) -> bytes:
    """A small record of the archive; torch looks for it in the folder .data first. Unreadable ones hold a mark."""
    entry = archive.entries.get(f".data/{name}") or archive.entries.get(name)
    try:
        return b"" if entry is None else read_entry(handle, entry, 64)
    except ZipFault:
        return b"?"


def archive_places(
    handle: BinaryIO, archive: Archive, machine: Machine, listing: Listing, problems: Problems
) -> dict[Hashable, int]:
    """Where each sound storage begins in the file; what is wrong with the others is noted."""
    places: dict[Hashable, int] = {}
    taken: list[tuple[int, int, Hashable]] = []
    for key, storage in machine.storages.items():
        entry = archive.find(f"data/{key}")
        fault = _fault(entry, storage.nbytes)
        if fault is None and entry is not None:
            try:
                places[key] = locate(handle, entry)
                taken.append((places[key], places[key] + entry.size, key))
            except ZipFault as reason:
                fault = reason.args
        if fault is not None:
            problems.add(fault[0], f"storage {quoted(key)} {fault[1]}", listing.user(key))
    end, other = 0, "another"
    for begin, stop, key in sorted(taken, key=lambda place: place[:2]):
        if begin < end or stop > archive.directory:
            where = other if begin < end else "the directory of the archive"
            problems.add("overlapping-entries", f"storage {quoted(key)} overlaps {where}", listing.user(key))
            places.pop(key, None)
        if stop > end:
            end, other = stop, f"storage {quoted(key)}"
    return places


def _fault(entry: Entry | None, nbytes: int) -> tuple[str, str] | None:
    if entry is None:
        return "storage-missing", "is not in the archive"
    if not entry.is_file:
        # miniz gives no bytes for a folder and says nothing, so the values are whatever lay in memory.
        return "malformed-zip", "is not marked as a file: torch would leave its values undefined"
    if entry.method:
        # torch.load inflates it, but with mmap=True, which transformers uses, it does not look at the method.
        return "compressed-entry", "is compressed: transformers would take the packed bytes for values"
    if entry.size < nbytes:
        return "storage-too-short", f"has {entry.size} bytes, {nbytes - entry.size} too few"
    if entry.size > nbytes:
        return "storage-too-long", f"has {entry.size} bytes, {entry.size - nbytes} too many"
    return None


def salvage(handle: BinaryIO, size: int) -> tuple[tuple[str, ...], str]:
    """From an archive without its end: the globals, and a clause that says how many bytes are missing at least.

    torch.save writes data.pkl first, so it is whole in most cut-off files, and it tells the sizes of all storages.
    """
    handle.seek(0)
    header = handle.read(30)
    if len(header) < 30:
        return (), ""
    name_size, extra_size = struct.unpack_from("<2H", header, 26)
    if not handle.read(name_size).endswith(b"/data.pkl"):
        return (), ""
    machine = run_at(handle, 30 + name_size + extra_size)
    missing = machine.end + sum(storage.nbytes for storage in machine.storages.values()) - size
    return tuple(machine.globals), f"; at least {missing} bytes are missing" if missing > 0 else ""
