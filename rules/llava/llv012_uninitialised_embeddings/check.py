"""builder.py replaces both tables by uninitialised ones when the sizes differ, and trusts the run to fill them."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava

TABLES = ("embed_tokens.weight", "lm_head.weight")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    rows = ckpt.config.get("vocab_size")
    if not ckpt.is_bare_adapter or not ckpt.has(llava.NON_LORA_FILE) or type(rows) is not int:
        return
    if all(any(name.endswith(table) for name in ckpt.tensors_of(llava.NON_LORA_FILE)) for table in TABLES):
        return  # LLV013 looks at their sizes
    known = ckpt.needed_base().tensors
    base = next((t.shape[0] for n, t in known.items() if n.endswith(TABLES[0]) and len(t.shape) == 2), rows)
    if base != rows:
        yield Problem(
            f"vocab_size is {rows}, the base has {base} rows, and the run saved no tables for them", "/vocab_size"
        )
