"""Tensors that only an option would load, without the option."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, Fix, Problem

OPTIONS = {
    "use_dora": ("lora_magnitude_vector", "DoRA magnitude vectors"),
    "lora_bias": ("lora_B.bias", "biases of lora_B"),
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not adapter.is_lora or adapter.weights_file is None:
        return
    config = adapter.config
    for key, (factor, words) in OPTIONS.items():
        count = sum(factor in module.factors for module in adapter.modules.values())
        if count and not config.get(key):
            now = config.get(key, ABSENT)
            edit = Edit("add" if now is ABSENT else "set", "adapter_config.json", f"/{key}", now, True)
            state = "absent" if now is ABSENT else "false" if now is False else "empty"
            message = f"the adapter holds {words} of {count} modules, but {key} is {state}"
            yield Problem(message, f"/{key}" if key in config else "", fix=Fix(f"set {key} to true", "unsafe", (edit,)))
    rows = [t for name, t in adapter.tensors.items() if "trainable_tokens_delta" in name and t.shape]
    if rows and not config.get("trainable_token_indices"):
        message = f"the adapter holds {rows[0].shape[0]} trained token rows, but trainable_token_indices is not set"
        evidence = {"cure": "write the indices of the run, in its order; the tensors do not tell which tokens they are"}
        yield Problem(
            message, "/trainable_token_indices" if "trainable_token_indices" in config else "", evidence=evidence
        )
