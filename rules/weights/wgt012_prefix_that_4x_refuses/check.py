"""Names that one major release understands and the other does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import DECODERS, Checkpoint, Problem, listed

LAYER = re.compile(r"((?:model\.)*)layers\.\d+\.")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.model_type not in DECODERS:
        return
    tensors = ckpt.tensors
    layers = {name: match[1] for name in tensors if (match := LAYER.match(name))}
    prefixes = set(layers.values())
    bare = prefixes == {""} and "lm_head.weight" in tensors
    if not bare and prefixes != {"model.model."}:
        return
    state = "beside lm_head.weight have no prefix" if bare else "begin with model.model."
    message = f"the layers {state}: {listed([*layers])}"
    yield Problem(message, file=tensors[next(iter(layers))].file)
