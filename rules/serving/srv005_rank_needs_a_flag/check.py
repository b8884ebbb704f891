"""The flag that vLLM needs for the adapter's rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, loads_with, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = loads_with(ckpt).ranges.get("vllm")
    cures = [one.detail["cure"] for one in found.constraints if one.kind == "engine-lora-flag"] if found else []
    for problem, cure in zip(version_problems(ckpt, "engine-lora-flag"), cures, strict=False):
        yield replace(problem, evidence={**problem.evidence, "cure": cure})
