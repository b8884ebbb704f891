"""The weight files of one directory, each read once and what is refused remembered; all of them bounded together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.safetensors_file.header import SafetensorsHeader, read_header

if TYPE_CHECKING:
    from checkpoint_doctor.facts.torch_file.read import TorchFile

# The largest models have some 150,000 tensors.
MAX_TENSORS = 400_000
WeightFile = TypeVar("WeightFile", SafetensorsHeader, "TorchFile")


class WeightFiles:
    """Tensor listings by file name.

    Args:
        root: the directory.
        path: where to open a listed file; raises FactUnavailable for one that is not there or must not be followed.
    """

    def __init__(self, root: Path, path: Callable[[str], Path]) -> None:
        self._root = root
        self._path = path
        self._headers: dict[str, SafetensorsHeader] = {}
        self._torch_files: dict[str, TorchFile] = {}
        self._refused: dict[str, str] = {}

    def take(self, other: WeightFiles, but: str) -> None:
        """What another has read already, except of one file."""
        for cache in ("_headers", "_torch_files", "_refused"):
            getattr(self, cache).update({name: f for name, f in getattr(other, cache).items() if name != but})

    def header(self, file: str) -> SafetensorsHeader:
        """The header of a safetensors file, faults included."""
        return self._read(file, self._headers, read_header)

    def torch_file(self, file: str) -> TorchFile:
        """The tensor listing of a torch file, faults included; nothing is unpickled."""
        from checkpoint_doctor.facts.torch_file.read import read_torch  # most directories have none to read

        return self._read(file, self._torch_files, read_torch)

    def _read(self, file: str, known: dict[str, WeightFile], read: Callable[..., WeightFile]) -> WeightFile:
        if file in self._refused:
            raise FactUnavailable(self._refused[file])
        if file not in known:
            try:
                found = read(self._path(file), file, self._root)
                held = sum(len(header.tensors) for header in self._headers.values())
                held += sum(len(listed.tensors) for listed in self._torch_files.values())
                if held + len(found.tensors) > MAX_TENSORS:
                    raise FactUnavailable(f"the weight files list more than {MAX_TENSORS} tensors")
            except (OSError, FactUnavailable) as problem:
                # Kept, because what is refused for its size must not be read again for every rule.
                unread = f"{file} cannot be read: {getattr(problem, 'strerror', problem)}"
                self._refused[file] = problem.reason if isinstance(problem, FactUnavailable) else unread
                raise FactUnavailable(self._refused[file]) from problem
            known[file] = found
        return known[file]
