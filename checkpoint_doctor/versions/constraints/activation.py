"""Activation functions that came later than the model type."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.sections import activations


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "activation"; nothing for a name that no release has, which CFG023 is about."""
    for section, field, name in activations(ckpt):
        since = lookup.since("activation", name)
        if since is not None and since.bounds[0] > section.known.bounds[0]:
            happens = f"from_pretrained raises KeyError: '{name}' while the model is built"
            reason = f"{field} {name} came with {dotted(since.bounds[0])}"
            pointer = section.pointer(field)
            yield Constraint("transformers", since, "activation", reason, "config.json", pointer, happens=happens)
