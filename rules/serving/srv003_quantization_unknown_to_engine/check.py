"""The quantisation method is none of vLLM's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems

OTHER = "no release has the method: serve the original model, or one in another method"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for problem in version_problems(ckpt, "engine-quantization"):
        evidence = dict(problem.evidence)
        if not str(evidence["cure"]).startswith("pip "):
            evidence["cure"] = OTHER
        yield replace(problem, evidence=evidence)
