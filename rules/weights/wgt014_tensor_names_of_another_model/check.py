"""Weights that nothing in the model would take."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import DECODERS, Checkpoint, Problem, family, listed, wrapped


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = family(ckpt)
    tensors = ckpt.tensors if found else {}
    if found is None or not tensors or "auto_map" in ckpt.config or wrapped(tensors):
        return
    # Text-only classes of a family with vision have mappings of their own for the names of the whole.
    alone = ckpt.model_type in DECODERS and not str(ckpt.model_type).endswith("_text")
    inner = [name for name in tensors if name.startswith(("language_model.", "model.language_model."))]
    plain = any(name.startswith(("layers.", "model.layers.", "model.model.")) for name in tensors)
    if (found.layers or found.embedding) and not (alone and inner and not plain):
        return
    message = f"no tensor has a name that {ckpt.model_type} uses: {listed(inner or [*tensors])}"
    yield Problem(message, file=next(iter(tensors.values())).file)
