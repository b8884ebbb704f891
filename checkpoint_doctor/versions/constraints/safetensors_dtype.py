"""Element types of tensors that came to safetensors later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

FIRST = 200  # 0.2.0 had the dtypes of ordinary weights; no transformers that reads safetensors takes an older one
NAMING = 601  # says which dtype it does not know


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "safetensors-dtype": one for each dtype that not every release reads; a release refuses the whole file."""
    yield from _of(ckpt.known_tensors)
    file = ckpt.adapter.weights_file if ckpt.adapter else None
    if file is not None and file.endswith(".safetensors"):
        try:
            tensors = ckpt.tensors_of(file, partial=True)
        except FactUnavailable:
            return  # a rule of its own says why
        yield from _of(tensors)


def _of(tensors: Mapping[str, TensorInfo]) -> Iterator[Constraint]:
    found: dict[str, list[TensorInfo]] = {}
    for tensor in tensors.values():
        found.setdefault(tensor.dtype, []).append(tensor)
    for dtype, those in sorted(found.items()):
        row = lookup.find("safetensors_dtype", dtype)
        one = those[0]
        if row is None or not one.file.endswith(".safetensors"):
            continue
        allowed = VersionSet.of(row["in"])
        if allowed.bounds[0] > FIRST:
            which = f"{plural(len(those), 'tensor')} in {dtype} ({printable(one.name)}"
            reason = (
                f"{which}{', …' if len(those) > 1 else ''}), which safetensors reads since {dotted(allowed.bounds[0])}"
            )
            what = "InvalidHeaderDeserialization"
            if allowed.bounds[0] > NAMING:
                what += f" (or invalid JSON in header: unknown variant `{dtype}`)"
            happens = f"SafetensorError: Error while deserializing header: {what}"
            detail = {"dtype": dtype, "tensors": len(those)}
            yield Constraint(
                "safetensors", allowed, "safetensors-dtype", reason, one.file, happens=happens, detail=detail
            )
