"""One layer type for each layer."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, pointer


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name = config.get("model_type")
    if not isinstance(name, str) or not knowledge.knows("model_type", name) or config.get("auto_map"):
        return
    for section in ((), ("text_config",)):
        part = config.get(section[0]) if section else config
        types, layers = (part.get("layer_types"), part.get("num_hidden_layers")) if isinstance(part, dict) else (0, 0)
        if isinstance(types, list) and type(layers) is int and len(types) != layers:
            message = f"layer_types has {len(types)} entries, num_hidden_layers is {layers}"
            yield Problem(message, pointer(*section, "layer_types"))
