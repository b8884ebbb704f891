"""Names that PEFT silently skips: wrappers of DDP, compile and FSDP, and a prefix that is missing or doubled."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, printable

PREFIX = "base_model.model."
TUNED = re.compile(r"\.(lora_|hada_w|lokr_w|ia3_l|oft_[rR]|boft_|vera_lambda|fourierft_|hra_u|randlora_lambda|road_)")
WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None:
        return
    if adapter.config_file and (adapter.library != "PEFT" or adapter.peft_type == "XLORA"):
        return
    names = [name for name in adapter.tensors if TUNED.search(name)]
    wrong: dict[str, list[str]] = defaultdict(list)
    for name in names:
        fault = _fault(name)
        if fault:
            wrong[fault].append(name)
    for fault, found in wrong.items():
        message = f"{len(found)} of {len(names)} tensor names {fault}, as in {printable(found[0])}"
        yield Problem(message, file=adapter.weights_file)


def _fault(name: str) -> str:
    if name.startswith("module."):
        return "begin with module."
    for part in WRAPPERS:
        if part in name.split("."):
            return f"contain {part}"
    if name.startswith(PREFIX + PREFIX):
        return f"begin with {PREFIX} twice"
    return "" if name.startswith(PREFIX) else f"do not begin with {PREFIX}"
