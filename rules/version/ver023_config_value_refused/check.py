"""What the __init__ of a configuration class before 5.4 refuses."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, edit_problems, version_problems

# Told by rules of their own.
FIRST = (
    "model-type",
    "rope-scaling",
    "rope-parameters",
    "rope-keys",
    "nested-config",
    "sub-config-type",
    "layer-types",
)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not any(version_problems(ckpt, *FIRST)):
        yield from edit_problems(ckpt, "config-value")
