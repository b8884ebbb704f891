"""Bookkeeping: every adapter tensor is used exactly once, and what was written is what was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from threading import Lock

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import CkptDoctorError, UserError
from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.methods.update import BiasShift, Copy, Update
from checkpoint_doctor.merge.ops import Op


class LedgerError(CkptDoctorError):
    """The engine did not do what it planned: a defect of ours, never of the input."""


def consume(adapter: Checkpoint, updates: Iterable[Update], idle: Iterable[TensorInfo]) -> tuple[str, ...]:
    """Name every adapter tensor that the updates use, as "file: tensor"; `idle` ones rightly have no use.

    Raises:
        UserError: one of the adapter's files holds a tensor that no update uses, or that two use.
    """
    used: Counter[tuple[str, str]] = Counter()
    for update in updates:
        if isinstance(update, Copy):
            parts = [update.tensor]
        elif isinstance(update, BiasShift):
            parts = [update.vector]
        else:
            parts = [update.a, update.b]
        used.update((part.file, part.name) for part in parts)
    held = {(tensor.file, tensor.name) for tensor in adapter.adapter.tensors.values()} if adapter.adapter else set()
    overruled = set()
    if adapter.adapter is None:
        held |= {(llava.PROJECTOR_FILE, name) for name in adapter.tensors_of(llava.PROJECTOR_FILE)}
    elif llava.NON_LORA_FILE in adapter.files:
        side = {(llava.NON_LORA_FILE, name) for name in adapter.tensors_of(llava.NON_LORA_FILE)}
        overruled = side - used.keys()  # the adapter's own value won, which the plan has noted
        held |= side - overruled
    left = sorted(held - used.keys() - {(tensor.file, tensor.name) for tensor in idle})
    if left:
        raise UserError(
            f"{len(left)} tensors of the adapter are of no known use: {printable(left[0][1])}",
            "two adapters in one file, or a method that cannot be merged here yet",
        )
    twice = [name for (_, name), count in used.items() if count > 1]
    if twice:
        raise LedgerError(f"{twice[0]} was used twice")
    return tuple(f"{file}: {name}" for file, name in sorted(used))


class Ledger:
    """What the stream really wrote. Threads share it."""

    def __init__(self, ops: Sequence[Op]) -> None:
        self._planned = {op.name: op for op in ops}
        self._rows: Counter[str] = Counter()
        self._copied: set[str] = set()
        self._low: dict[str, float] = {}
        self._high: dict[str, float] = {}
        self._lock = Lock()

    def wrote_rows(self, name: str, rows: int, low: float, high: float) -> None:
        """Rows of a changed tensor were written, with values from low to high."""
        with self._lock:
            self._rows[name] += rows
            self._low[name] = min(self._low.get(name, low), low)
            self._high[name] = max(self._high.get(name, high), high)

    def copied(self, names: Iterable[str]) -> None:
        """Tensors were copied, whole."""
        with self._lock:
            for name in names:
                if name in self._copied:
                    raise LedgerError(f"{name} was copied twice")
                self._copied.add(name)

    def largest(self, name: str) -> float:
        """Largest absolute value written to a changed tensor; 0 for an empty one."""
        return max(-self._low.get(name, 0.0), self._high.get(name, 0.0), 0.0)

    def close(self) -> None:
        """Raise LedgerError unless the changed set is the planned set and every row was written once."""
        for name, op in self._planned.items():
            if op.kind == "copy":
                if name not in self._copied or name in self._rows:
                    raise LedgerError(f"{name} was not copied")
            elif self._rows[name] != op.matrix[0] or name in self._copied:
                raise LedgerError(f"{name}: {self._rows[name]} of {op.matrix[0]} rows were written")
        stray = (self._rows.keys() | self._copied) - self._planned.keys()
        if stray:
            raise LedgerError(f"{sorted(stray)[0]} was not planned")
