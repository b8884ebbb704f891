"""Names that the model does not have, because something was wrapped around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, listed, wrapped

LORA = re.compile(r".*\.(?:lora_|base_layer\.|modules_to_save\.)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not knowledge.find("model_type", ckpt.model_type or "") and not ckpt.is_llava:
        return
    tensors = ckpt.tensors
    found = wrapped(tensors)
    if found is None or (found.prefix == "base_model.model." and any(LORA.match(name) for name in tensors)):
        return
    mapping = f'{{r"{"^" if found.leading else ""}{re.escape(found.prefix)}": ""}}'
    call = f"AutoModel….from_pretrained({str(ckpt.root)!r}, key_mapping={mapping}).save_pretrained(OUT)"
    cure = f"save the unwrapped model, or rename with transformers 5: {call}"
    amount = f"{len(found.names)} of {len(tensors)} tensors"
    message = f'{amount} have "{found.prefix}" in their names: {listed([*found.names])}'
    yield Problem(message, file=tensors[found.names[0]].file, evidence={"cure": cure})
