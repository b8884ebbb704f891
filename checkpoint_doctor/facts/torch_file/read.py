"""Torch checkpoints (.bin, .pt, .pth): which tensors they hold and where, without unpickling and without torch.

Two containers are read: the zip archive that torch.save writes since 1.6, and the five pickles with raw storages
behind them that it wrote before. Sources: torch/serialization.py (`_save`, `_legacy_save`, `_load`, `_legacy_load`)
and torch/_weights_only_unpickler.py of torch 2.13; tests/facts/test_torch_differential.py compares the two.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.facts.opening import open_file
from checkpoint_doctor.facts.sniff import HEAD_SIZE, describe, sniff
from checkpoint_doctor.facts.torch_file.archive import archive_places, run_archive, salvage
from checkpoint_doctor.facts.torch_file.globals import ALLOWED
from checkpoint_doctor.facts.torch_file.legacy import legacy_places, run_legacy
from checkpoint_doctor.facts.torch_file.listing import Listing
from checkpoint_doctor.facts.torch_file.opcodes import FOREIGN
from checkpoint_doctor.facts.torch_file.pickle import Machine
from checkpoint_doctor.facts.torch_file.problems import Problems, TorchProblem, quoted
from checkpoint_doctor.facts.torch_file.zip import ZipFault, read_archive

__all__ = ["TorchFile", "TorchProblem", "read_torch"]

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TorchFile:
    """What a torch file says.

    Attributes:
        format: "zip" (torch 1.6 and later), "legacy" (before), or "opaque" when it is neither.
        tensors: the state dict, with absolute offsets into the file. Only tensors that are described in full and whose
            bytes are there; none at all when the pickle is malformed or names a forbidden global.
        wrapper: the keys one must descend to reach them, such as ("state_dict",); () for a plain state dict.
        globals: every global that the pickle names, as "module.name", in order, each once.
        problems: what is wrong, and what is worth knowing.
        big_endian: the values are stored with the most significant byte first.
    """

    format: str
    tensors: tuple[TensorInfo, ...]
    wrapper: tuple[str, ...]
    globals: tuple[str, ...]
    problems: tuple[TorchProblem, ...]
    big_endian: bool = False

    @property
    def readable(self) -> bool:
        """No fatal problem: torch.load(weights_only=True) reads it, and the list of tensors is complete."""
        return not any(problem.fatal for problem in self.problems)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The globals that torch.load(weights_only=True) refuses."""
        return tuple(name for name in self.globals if name not in ALLOWED)


def read_torch(path: str | os.PathLike[str], file: str, root: str | os.PathLike[str] | None = None) -> TorchFile:
    """List the tensors of a torch file; nothing in it is executed, imported or built.

    Args:
        path: where it lies.
        file: how it is called in the checkpoint; goes into the tensors.
        root: when given, the directory that it must not lead out of.

    Returns:
        The list and the problems; nothing a file can hold raises.

    Raises:
        OSError: it cannot be read.
    """
    problems = Problems()
    try:
        handle = open_file(path, root)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.EISDIR):
            raise
        problems.add("not-a-torch-file", "not a regular file")
        return TorchFile("opaque", (), (), (), problems.all())
    with handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(0)
        head = handle.read(HEAD_SIZE)
        if head[:4] == b"PK\x03\x04":
            return _read_zip(handle, size, file, problems)
        return _read_legacy(handle, size, file, head, problems)


def _read_zip(handle: BinaryIO, size: int, file: str, problems: Problems) -> TorchFile:
    try:
        archive = read_archive(handle, size)
        machine, big_endian = run_archive(handle, archive, problems)
    except ZipFault as fault:
        kind, message = fault.args
        names, missing = salvage(handle, size) if kind == "truncated" else ((), "")
        problems.add(kind, message + missing)
        _note_forbidden(names, problems)
        return TorchFile("zip", (), (), names, problems.all())
    listing = _list(machine, problems)
    if listing is None:
        return TorchFile("zip", (), (), tuple(machine.globals), problems.all())
    places = archive_places(handle, archive, machine, listing, problems)
    tensors = listing.tensors(places, file)
    return TorchFile("zip", tensors, listing.wrapper, tuple(machine.globals), problems.all(), big_endian)


def _read_legacy(handle: BinaryIO, size: int, file: str, head: bytes, problems: Problems) -> TorchFile:
    machine, keys = run_legacy(handle)
    if keys is None:
        problems.add(*_not_torch(head, size))
        # Not a torch file, but pickle.load, and torch.load without weights_only, would still run what it names.
        names = tuple(machine.globals)
        if (
            head[:1] != b"\x80" and machine.trouble is not None
        ):  # most likely no pickle: then only what reads like a name
            names = tuple(name for name in names if _NAME.fullmatch(name))
        _note_forbidden(names, problems)
        if machine.trouble is not None and machine.trouble[0] == "too-large":
            problems.add(*machine.trouble)
        return TorchFile("opaque", (), (), names, problems.all())
    listing = _list(machine, problems)
    if listing is None:
        return TorchFile("legacy", (), (), tuple(machine.globals), problems.all())
    places = legacy_places(handle, size, machine, keys, listing, problems)
    tensors = listing.tensors(places, file)
    return TorchFile("legacy", tensors, listing.wrapper, tuple(machine.globals), problems.all())


def _not_torch(head: bytes, size: int) -> tuple[str, str]:
    kind = sniff(head, size)
    if kind == "tar":
        return "tar-format", "a tar archive, as the first releases of torch wrote; current torch.load refuses it"
    if kind == "torch-legacy":
        return "truncated", "the file was cut off after its first bytes"
    return "not-a-torch-file", f"not a file of torch.save but {describe(kind)}"


def _note_forbidden(names: tuple[str, ...], problems: Problems) -> None:
    for name in names:
        if name not in ALLOWED:
            message = f"the pickle names {quoted(name)}, which torch.load(weights_only=True) refuses"
            problems.add("forbidden-global", message)


def _list(machine: Machine, problems: Problems) -> Listing | None:
    """Note what is wrong with the pickle; no list when it cannot be trusted."""
    _note_forbidden(tuple(machine.globals), problems)
    if machine.trouble:
        problems.add(*machine.trouble)
    newer = ", ".join(name for name in machine.refused if name not in FOREIGN)
    if newer:
        message = f"torch.load(weights_only=True) refuses opcodes of pickle protocol 3 and later: {newer}"
        problems.add("pickle-protocol", message)
    return None if machine.trouble or not machine.globals.keys() <= ALLOWED else Listing(machine, problems)
