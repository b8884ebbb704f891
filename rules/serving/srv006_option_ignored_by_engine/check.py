"""Options of an adapter that the vLLM at hand passes over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, merge_fix, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for problem in version_problems(ckpt, "engine-lora-ignored"):
        evidence = {key: value for key, value in problem.evidence.items() if key != "cure"}
        yield replace(problem, fix=merge_fix(ckpt), evidence=evidence)
