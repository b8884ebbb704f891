"""Ranges out of --target and --requirements; a range that no part of loads is the matter of the reasons' own rules."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, have, knowledge, loads_with, span


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for package, found in loads_with(ckpt).ranges.items():
        asked = have(ckpt, package)
        if asked is None or asked.newer or not asked.releases & found.allowed:
            continue
        bad = (asked.releases - found.allowed).among(knowledge.releases(package))
        broken = [c for c in found.constraints if c.outcome != "differs" and any(one not in c.allowed for one in bad)]
        if not bad or not broken:
            continue
        wrong = all(reason.outcome == "wrong" for reason in broken)
        verb = "loads it wrong" if wrong else "does not load it"
        if len(bad) > 1:
            verb = "load it wrong" if wrong else "do not load it"
        reasons = "; ".join(reason.reason for reason in broken[:3])
        yield Problem(
            f"{ckpt.environment.source} admits {package} {asked.text}, of which {span(package, bad)} {verb}: {reasons}",
            broken[0].pointer,
            broken[0].file,
            evidence={"cure": f"ask for {package} {asked.releases & found.allowed}"},
        )
