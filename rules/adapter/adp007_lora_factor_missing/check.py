"""Half of a pair of factors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed

PARTNERS = {
    "lora_A": "lora_B",
    "lora_B": "lora_A",
    "lora_embedding_A": "lora_embedding_B",
    "lora_embedding_B": "lora_embedding_A",
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None:
        return
    if adapter.config_file and adapter.peft_type not in ("LORA", "ADALORA"):
        return
    missing: dict[str, list[str]] = defaultdict(list)
    modules = adapter.modules
    dora = bool(adapter.config_file and adapter.config.get("use_dora") is True)
    dora = dora and any("lora_magnitude_vector" in module.factors for module in modules.values())
    for path, module in modules.items():
        for name, partner in PARTNERS.items():
            if name in module.factors and partner not in module.factors:
                missing[partner].append(path)
        if dora and "lora_A" in module.factors and "lora_magnitude_vector" not in module.factors:
            missing["lora_magnitude_vector"].append(path)
    for factor, paths in missing.items():
        yield Problem(f"{factor} of {listed(paths)} is missing", file=adapter.weights_file)
