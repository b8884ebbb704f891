"""An adapter that nobody merged, inside the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, listed, plural

NAMES = re.compile(
    r".+\.(?:base_layer\.(?:weight|bias)|lora_(?:embedding_)?[AB](?:\.\w+)?(?:\.weight)?|modules_to_save\.\w+\.\w+)"
)
OWN = ("phi4_multimodal", "phi4mm")  # LoRA layers of the architecture itself


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    known = knowledge.find("model_type", ckpt.model_type or "") or ckpt.is_llava
    if not known or ckpt.model_type in OWN:
        return
    tensors = ckpt.tensors
    found = [name for name in tensors if "parametrizations" not in name and NAMES.fullmatch(name)]
    if not found:
        return
    wrapped = [name for name in found if ".base_layer." in name]
    effect = f"{plural(len(wrapped), 'layer')} will be random" if wrapped else "the factors will be ignored"
    message = f"unmerged LoRA: {plural(len(found), 'tensor')}, {effect}: {listed(wrapped or found)}"
    yield Problem(message, file=tensors[found[0]].file)
