"""The architecture is none of the serving engine's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems

OTHER = "no release of it has the class: serve it with transformers itself, or with another engine"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for problem in version_problems(ckpt, "engine-architecture"):
        evidence = dict(problem.evidence)
        if not str(evidence["cure"]).startswith("pip "):
            evidence["cure"] = OTHER
        yield replace(problem, evidence=evidence)
