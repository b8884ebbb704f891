"""config.json's model_type."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """The releases that know the model type; nothing for one that none knows, which is another rule's matter."""
    name = ckpt.model_type
    allowed = lookup.since("model_type", name) if name is not None else None
    if name is None or allowed is None:
        return
    shown = f"model_type {printable(name)} came with {dotted(allowed.bounds[0])}"
    yield Constraint("transformers", allowed, "model-type", shown, "config.json", "/model_type")
