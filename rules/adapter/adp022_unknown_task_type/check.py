"""A task type that PEFT refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, printable

# peft/utils/peft_types.py::TaskType, the same in 0.18.0 and 0.21.2.
TASKS = ("SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.adapter.config if ckpt.adapter else {}
    value = config.get("task_type")
    if value is None or value in TASKS or "peft_type" not in config:
        return
    fix = None
    plain = value.upper().replace("-", "_").removeprefix("TASKTYPE.") if isinstance(value, str) else ""
    if plain in TASKS:
        fix = Fix(f'write "{plain}"', "safe", (Edit("set", "adapter_config.json", "/task_type", value, plain),))
    yield Problem(
        f"PEFT knows no task_type {printable(json.dumps(value, ensure_ascii=False), 60)}", "/task_type", fix=fix
    )
