"""quantization_config: the method, which transformers must know to read the weights."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint, Outcome
from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

SKIPS = 44900  # since 4.49.0 a method that is not known is skipped with a warning; before, it was refused


def method(ckpt: Checkpoint) -> str | None:
    """The method by which the weights are packed, None when config.json names none."""
    values = ckpt.config.get("quantization_config")
    if not isinstance(values, dict):
        return None
    if values.get("load_in_4bit") is True or values.get("load_in_8bit") is True:
        return "bitsandbytes"
    name = values.get("quant_method")
    return name if isinstance(name, str) else None


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "quantization-method"."""
    name = method(ckpt)
    known = lookup.since("quantization", name) if name is not None else None
    if name is None or known is None:
        return
    outcome: Outcome = "wrong" if known.bounds[0] > SKIPS else "fails"
    happens = f"from_pretrained raises ValueError: Unknown quantization type, got {printable(name)}"
    if outcome == "wrong":
        happens += "; since 4.49.0 it warns instead and takes the packed weights for plain ones"
    reason = f"quantization method {printable(name)} came with {dotted(known.bounds[0])}"
    place = ("config.json", "/quantization_config/quant_method")
    yield Constraint("transformers", known, "quantization-method", reason, *place, outcome=outcome, happens=happens)
