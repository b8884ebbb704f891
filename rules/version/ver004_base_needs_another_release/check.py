"""All that the base needs in one finding: what is wrong with it in detail, a check of the base itself says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, loads_with, plural, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = loads_with(ckpt).ranges.get("transformers")
    kinds = {one.kind for one in found.constraints if one.kind.startswith("base-")} if found is not None else set()
    problems = list(version_problems(ckpt, *kinds))
    if problems:
        more = f" (and {plural(len(problems) - 1, 'more reason')})" if len(problems) > 1 else ""
        yield replace(problems[0], message=problems[0].message + more)
