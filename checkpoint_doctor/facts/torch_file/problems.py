"""What can be wrong with a torch file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from checkpoint_doctor.facts.printable import printable

MAX_PER_KIND = 20


@dataclass(frozen=True, slots=True)
class TorchProblem:
    """One thing that is wrong, or worth knowing.

    Attributes:
        kind: "not-a-torch-file", "forbidden-global", "unsupported-opcode", "malformed-pickle", "pickle-protocol",
            "truncated", "too-large", "encrypted", "compressed-entry", "malformed-zip", "duplicate-entry",
            "stray-entry", "overlapping-entries", "torchscript", "tar-format", "storage-missing", "storage-too-short",
            "storage-too-long", "bad-strides", "unknown-dtype", "exotic-tensor"; and, never fatal, "aliased",
            "expanded", "nested", "non-string-key", "non-tensor-values", "no-tensors".
        message: one plain line.
        tensor: the tensor it is about, or the first that uses the storage it is about.
        fatal: torch.load(weights_only=True) refuses the file, or would give other values than were saved, or the
            tensor cannot be described in full (it is then missing from the list).
    """

    kind: str
    message: str
    tensor: str | None
    fatal: bool


class Problems:
    """Collects problems; of one kind only the first are kept, and the number of the rest."""

    def __init__(self) -> None:
        self._kept: list[TorchProblem] = []
        self._seen: Counter[tuple[str, bool]] = Counter()

    def add(self, kind: str, message: str, tensor: str | None = None, fatal: bool = True) -> None:
        self._seen[kind, fatal] += 1
        if self._seen[kind, fatal] <= MAX_PER_KIND:
            self._kept.append(TorchProblem(kind, message, tensor, fatal))

    def __len__(self) -> int:
        return len(self._kept)

    def all(self) -> tuple[TorchProblem, ...]:
        """Everything, with one line for what was left out of each kind."""
        rest = [
            TorchProblem(kind, f"{count - MAX_PER_KIND} more problems of this kind", None, fatal)
            for (kind, fatal), count in self._seen.items()
            if count > MAX_PER_KIND
        ]
        return (*self._kept, *rest)


def quoted(name: object) -> str:
    """A name or number out of a hostile file, short and on one line; of anything else only the type is told."""
    text = name if isinstance(name, str) else str(name) if type(name) is int else type(name).__name__
    return f"'{printable(text)}'"
