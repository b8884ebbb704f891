"""Until LLaVA 1.2.0 the package called its type "llava"; transformers 4.36 took the name for a nested config."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, printable

BY_ARCHITECTURE = {
    "LlavaLlamaForCausalLM": "llava_llama",
    "LlavaMPTForCausalLM": "llava_mpt",
    "LlavaMptForCausalLM": "llava_mpt",
    "LlavaMistralForCausalLM": "llava_mistral",
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.is_bare_adapter:
        return  # LLV001: it is no model under any type, and the merge takes the base's or the new name
    architectures = ckpt.config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else None
    better = BY_ARCHITECTURE.get(first) if isinstance(first, str) else None
    fix = None
    if better:
        edit = Edit("set", "config.json", "/model_type", "llava", better)
        fix = Fix(f'set "model_type" to "{better}", as LLaVA 1.2.0 and later write it', "unsafe", (edit,))
    shown = f" with {printable(first)}" if isinstance(first, str) else ""
    yield Problem(
        f'"model_type": "llava"{shown} and flat mm_* fields: written by LLaVA before 1.2.0', "/model_type", fix=fix
    )
