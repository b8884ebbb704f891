"""v0: model_type "llama" with mm_* fields; every loader takes it for a plain Llama."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, Fix, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if not config.get("mm_vision_tower") or ckpt.adapter is not None:
        return
    edits = [Edit("set", "config.json", "/model_type", "llama", "llava_llama")]
    before = config.get("architectures", ABSENT)
    if before is ABSENT:
        edits.append(Edit("add", "config.json", "/architectures", ABSENT, ["LlavaLlamaForCausalLM"]))
    elif before == ["LlamaForCausalLM"]:
        edits.append(Edit("set", "config.json", "/architectures", before, ["LlavaLlamaForCausalLM"]))
    title = 'set "model_type" to "llava_llama" and the architecture to LlavaLlamaForCausalLM'
    yield Problem(
        '"model_type": "llama" with mm_vision_tower: a LLaVA v0 that loads as a plain Llama',
        "/model_type",
        fix=Fix(title, "unsafe", tuple(edits)),
    )
