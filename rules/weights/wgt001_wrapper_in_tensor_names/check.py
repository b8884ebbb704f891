"""Names that the model does not have, because something was wrapped around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, listed

FIRST = re.compile(r"((?:module|_orig_mod|_fsdp_wrapped_module|_forward_module|base_model\.model|pretrained_model)\.)")
INSIDE = re.compile(r"(?:^|.*?\.)((?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)")
LORA = re.compile(r".*\.(?:lora_|base_layer\.|modules_to_save\.)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not knowledge.find("model_type", ckpt.model_type or "") and not ckpt.is_llava:
        return
    tensors = ckpt.tensors
    for pattern, enough in ((FIRST, len(tensors) // 2), (INSIDE, 0)):
        found = {name: match[1] for name in tensors if (match := pattern.match(name))}
        if len(found) <= enough:
            continue
        prefix = next(iter(found.values()))
        if prefix == "base_model.model." and any(LORA.match(name) for name in tensors):
            return
        start = "^" if pattern is FIRST else ""
        mapping = f'{{r"{start}{re.escape(prefix)}": ""}}'
        call = f"from_pretrained(DIR, key_mapping={mapping}).save_pretrained(OUT)"
        cure = f"save the unwrapped model, or rename with transformers 5: {call}"
        file = tensors[next(iter(found))].file
        message = f'{len(found)} of {len(tensors)} tensors have "{prefix}" in their names: {listed([*found])}'
        yield Problem(message, file=file, evidence={"cure": cure})
        return
