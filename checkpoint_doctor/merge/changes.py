"""Updates grouped by the base's tensor, with every shape and dtype proven to fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checkpoint_doctor.core.tensor import FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.methods.orientation import Orientation
from checkpoint_doctor.merge.methods.update import BiasShift, Copy, Pair, Update
from checkpoint_doctor.merge.ops import LowRank, Shift, Source

_OTHER_BASE = "this is not the base that the adapter was trained on"


@dataclass(slots=True)
class Change:
    """What happens to one tensor of the base: its start, if the adapter replaces it, and its terms."""

    copy: Copy | None = None
    terms: list[LowRank | Shift] = field(default_factory=list)

    @property
    def in_place(self) -> bool:
        """Whether it is only replaced, and not by a copy that was trained apart."""
        return self.copy is not None and not self.copy.trained_apart and not self.terms


def gather(
    updates: Iterable[Update],
    placed: Mapping[str, str],
    known: Mapping[str, TensorInfo],
    root: Path,
    orientation: Orientation,
) -> dict[str, Change]:
    """Group the updates.

    Args:
        updates: from the method.
        placed: their targets' names in the base.
        known: the base's tensors by name, with the head of a tied model standing for its embedding table.
        root: the adapter's directory.
        orientation: of the base's weights.

    Raises:
        UserError: something does not fit, or a tensor is changed twice.
    """
    changes: dict[str, Change] = {}
    later: list[tuple[str, Pair | BiasShift]] = []
    for update in updates:
        name = placed[update.target]
        change = changes.setdefault(name, Change())
        if not isinstance(update, Copy):
            later.append((name, update))
        elif change.copy is None:
            change.copy = update
        else:
            raise UserError(f"the adapter holds {printable(name)} twice", "remove one of the two")
    for name, update in later:
        change = changes[name]
        start = change.copy.tensor if change.copy is not None else known.get(name)
        if start is None:
            raise UserError(f"the adapter adds to {printable(name)}, which the base does not have", _OTHER_BASE)
        if change.terms:
            raise UserError(f"the adapter changes {printable(name)} twice", "merge one adapter after the other")
        change.terms.append(_term(update, name, start.shape, root, orientation))
    for name in changes:
        if name in known and known[name].dtype not in FLOAT_DTYPES:
            raise UserError(
                f"{printable(name)} has dtype {known[name].dtype} in the base, which cannot be merged into",
                "merge into the original 16-bit weights and quantise the result",
            )
    return changes


def _term(
    update: Pair | BiasShift, name: str, shape: tuple[int, ...], root: Path, orientation: Orientation
) -> LowRank | Shift:
    if isinstance(update, BiasShift):
        if update.vector.shape != shape:
            raise wrong_shape(name, shape, update.vector.shape)
        return Shift(Source(root, update.vector), update.scale)
    (out, _), (_, into) = update.b.shape, update.a.shape
    if update.embedding:
        if shape != (into, out):
            raise wrong_shape(name, shape, (into, out))
        transposed = True
    else:
        transposed = orientation.transposed(name, shape, out, into)
    return LowRank(Source(root, update.a), Source(root, update.b), update.scale, transposed)


def check_copies(
    changes: Mapping[str, Change], known: Mapping[str, TensorInfo], tables: tuple[str | None, ...]
) -> None:
    """Prove that replaced tensors have the base's shape; only the vocabulary tables may have more or fewer rows.

    Raises:
        UserError: one does not fit.
    """
    for name, change in changes.items():
        stored = known.get(name)
        if change.copy is None or stored is None or change.copy.tensor.shape == stored.shape:
            continue
        shape = change.copy.tensor.shape
        if name not in tables or len(shape) != 2 or shape[1:] != stored.shape[1:]:
            raise wrong_shape(name, stored.shape, shape)


def wrong_shape(name: str, stored: tuple[int, ...], wanted: tuple[int, ...]) -> UserError:
    """The refusal of a base whose tensor has another shape."""
    return UserError(
        f"{printable(name)} has shape {list(stored)} in the base, the adapter was made for {list(wanted)}", _OTHER_BASE
    )
