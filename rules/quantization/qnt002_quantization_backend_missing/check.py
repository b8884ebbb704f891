"""Packages that the quantised weights need beside transformers."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, missing_backends, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if any(version_problems(ckpt, "model-type", "quantization-method")):  # that comes first
        return
    for wanted, there in missing_backends(ckpt):
        source = ckpt.environment.source
        state = f"there is {there}" if there else "it is not there"
        cure = f'pip install "{wanted.split(" or ")[0]}"'
        message = f"the quantised weights need {wanted}; {source}: {state}"
        yield Problem(message, "/quantization_config", "config.json", evidence={"cure": cure})
