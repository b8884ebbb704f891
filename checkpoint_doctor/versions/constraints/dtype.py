"""The element type that config.json names."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.sections import sections

FILE = "config.json"
RENAMED = VersionSet((45600,))  # torch_dtype became dtype; both are read since


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "dtype-key", which only makes a difference: from_pretrained goes by the weights or by its argument."""
    for section in sections(ckpt):
        value = section.values.get("dtype")
        if section.path or not isinstance(value, str) or "torch_dtype" in section.values:
            continue
        fix = Fix('write "torch_dtype" beside it', "safe", (Edit("add", FILE, "/torch_dtype", value=value),))
        yield Constraint(
            "transformers", RENAMED, "dtype-key", "dtype is read since 4.56.0, torch_dtype before", FILE, "/dtype",
            "differs", fix=fix,
        )  # fmt: skip
