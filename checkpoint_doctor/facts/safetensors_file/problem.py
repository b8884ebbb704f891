"""What can be wrong with a safetensors file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

# A hostile header can have millions of problems.
PER_KIND = 20  # so many of one kind are kept
ENOUGH = 10_000  # after so many fatal ones the rest is not looked at
# What the library does not mind. A kind is always fatal or never, so that dropping repeats cannot change the verdict.
HARMLESS = frozenset({"duplicate-name", "duplicate-metadata-key", "no-tensors", "name-control-characters"})


@dataclass(frozen=True, slots=True)
class HeaderProblem:
    """One thing that is wrong with a safetensors file, as far as its header and its size tell.

    Attributes:
        kind: stable and in kebab-case: too-small, header-too-large, header-past-end, not-utf8, invalid-json,
            not-an-object, metadata-type, duplicate-metadata, duplicate-metadata-key, entry-shape, duplicate-field,
            unknown-dtype, negative-or-float, duplicate-name, name-control-characters, no-tensors, reversed-offsets,
            hole, overlap, overflow, sub-byte, size-mismatch, truncated, trailing-bytes; and too-many-dimensions.
        message: one plain line with the numbers in it; names are escaped and shortened.
        tensor: the name of the tensor, unescaped; None when it is about the file.
        fatal: True exactly when the `safe_open` of safetensors 0.8.0 refuses the file because of it, or, for more than
            64 dimensions, we do: no library makes such tensors.
    """

    kind: str
    message: str
    tensor: str | None
    fatal: bool


class Problems:
    """Collects problems, but only so many of one kind."""

    def __init__(self) -> None:
        self._found: list[HeaderProblem] = []
        self._counts: Counter[str] = Counter()
        self._fatal = 0

    def add(self, kind: str, message: str, tensor: str | None = None) -> None:
        self._counts[kind] += 1
        self._fatal += kind not in HARMLESS
        if self._counts[kind] <= PER_KIND:
            self._found.append(HeaderProblem(kind, message, tensor, kind not in HARMLESS))

    @property
    def enough(self) -> bool:
        """Whether the file is refused so thoroughly that more reading tells nothing."""
        return self._fatal >= ENOUGH

    def all(self) -> tuple[HeaderProblem, ...]:
        rest = (
            HeaderProblem(kind, f"{count - PER_KIND} more of the kind {kind}", None, kind not in HARMLESS)
            for kind, count in self._counts.items()
            if count > PER_KIND
        )
        return (*self._found, *rest)
