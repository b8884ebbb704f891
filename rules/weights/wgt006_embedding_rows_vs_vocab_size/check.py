"""vocab_size and the first matrix of the model disagree."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, family, listed

HEADS = ("lm_head.weight", "lm_head.bias", "predictions.bias", "predictions.decoder.weight", "decoder.bias")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = family(ckpt)
    if found is None or found.embedding is None or not found.width_fits:
        return
    said, rows = found.number("vocab_size"), found.embedding.shape[0]
    if said is None or said == rows:
        return
    heads = {tensor.shape[0] for name, tensor in ckpt.tensors.items() if name.endswith(HEADS) and tensor.shape}
    place = f"{found.place}/vocab_size"
    fix = None
    if heads <= {rows}:
        edit = Edit("set", "config.json", place, said, rows)
        fix = Fix(f"set vocab_size to {rows}", "safe", (edit,))
    head = f", the output head {max(heads)}" if heads - {rows} else ""
    message = f"vocab_size is {said}, but {listed([found.embedding.name])} has {rows} rows{head}"
    yield Problem(message, place, fix=fix)
