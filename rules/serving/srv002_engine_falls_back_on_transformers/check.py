"""The architecture is served through transformers' class, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems

TRY = "try it; no release that we know has a class of its own"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for problem in version_problems(ckpt, "engine-fallback"):
        evidence = dict(problem.evidence)
        if not str(evidence["cure"]).startswith("pip "):
            evidence["cure"] = TRY
            del evidence["needs"]
        yield replace(problem, evidence=evidence)
