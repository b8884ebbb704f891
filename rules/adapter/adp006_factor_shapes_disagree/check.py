"""Two factors of a module that cannot be multiplied."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None:
        return
    if adapter.config_file and (adapter.peft_type not in ("LORA", "ADALORA") or adapter.config.get("use_bdlora")):
        return
    wrong = []
    for path, module in adapter.modules.items():
        for left, right in (("lora_A", "lora_B"), ("lora_embedding_A", "lora_embedding_B")):
            a, b = module.factors.get(left), module.factors.get(right)
            if a is None or b is None or not a.numel or not b.numel:
                continue
            if len(a.shape) != len(b.shape) or len(a.shape) < 2 or a.shape[0] != b.shape[1]:
                wrong.append((path, list(a.shape), list(b.shape)))
    if wrong:
        path, a_shape, b_shape = wrong[0]
        message = f"{printable(path)}: lora_A is {a_shape} and lora_B is {b_shape}; they cannot be multiplied"
        if len(wrong) > 1:
            message += f"; so it is with {listed([path for path, _, _ in wrong[1:]], 2)}"
        yield Problem(message, file=adapter.weights_file)
