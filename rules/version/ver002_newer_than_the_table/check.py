"""Said once for all packages together."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, have, knowledge, loads_with


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    newer = []
    for package in loads_with(ckpt).ranges:
        installed = have(ckpt, package)
        if installed is not None and installed.newer:
            newer.append(f"{package} {installed.text} is newer than what is known here ({knowledge.newest(package)})")
    if newer:
        yield Problem(" and ".join(newer), file="config.json" if ckpt.has("config.json") else "adapter_config.json")
