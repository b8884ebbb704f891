"""Adapters of single experts beside a transformers that has all experts in one parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import (
    Checkpoint,
    Problem,
    fuses_experts,
    have,
    install_line,
    listed,
    loads_with,
    per_expert_peft,
)

EXPERT = re.compile(r"\.experts\.\d+\.")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    peft, transformers, adapter = have(ckpt, "peft"), have(ckpt, "transformers"), ckpt.adapter
    if ckpt.environment.assumed or peft is None or transformers is None or peft.newer or transformers.newer:
        return
    fits = per_expert_peft(transformers.releases)
    if peft.releases & fits or adapter is None or not adapter.is_lora:
        return
    single = [path for path in adapter.modules if EXPERT.search(path)]
    if not single or not fuses_experts(ckpt.needed_base().model_type):
        return
    found = loads_with(ckpt).ranges.get("peft")
    good = install_line("peft", found.allowed & fits) if found is not None else ""
    whose = f"{ckpt.environment.source}: PEFT {peft.text} beside transformers {transformers.text}"
    message = f"{whose} does not find the experts of {len(single)} modules ({listed(single, 1)})"
    yield Problem(message, file=adapter.weights_file, evidence={"cure": good} if good else {})
