"""A padding index that torch.nn.Embedding refuses."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    pad, vocabulary, end = (config.get(name) for name in ("pad_token_id", "vocab_size", "eos_token_id"))
    if type(pad) is not int or type(vocabulary) is not int or config.get("auto_map") or vocabulary <= 0:
        return
    if -vocabulary <= pad < vocabulary:
        return
    names = ("embed_tokens.weight", "word_embeddings.weight", "wte.weight", "shared.weight")
    rows = [tensor.shape[0] for name, tensor in ckpt.known_tensors.items() if name.endswith(names) and tensor.shape]
    fix = None
    if type(end) is int and 0 <= end < vocabulary and max(rows, default=0) <= vocabulary:
        edit = Edit("set", "config.json", "/pad_token_id", pad, end)
        fix = Fix(f"set it to eos_token_id, {end}", "unsafe", (edit,))
    shown = f"; the embedding has {max(rows)} rows" if rows else ""
    yield Problem(f"pad_token_id is {pad}, vocab_size is {vocabulary}{shown}", "/pad_token_id", fix=fix)
