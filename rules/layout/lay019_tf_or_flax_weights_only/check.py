"""Weights that current releases cannot read at all."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, subject_kind

OPTIONS = {"tf_model.h5": "from_tf=True", "model.ckpt.index": "from_tf=True", "flax_model.msgpack": "from_flax=True"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if subject_kind(ckpt) != "tensorflow-or-flax" or not ckpt.config.get("architectures"):
        return
    name = next((name for name in OPTIONS if ckpt.has(name)), None)
    if name is None:
        return
    call = f"AutoModel….from_pretrained({str(ckpt.root)!r}, {OPTIONS[name]}).save_pretrained(OUT)"
    cure = f"convert once with transformers 4.57: {call}"
    message = f"there are no weights but {name}, which transformers 5 cannot read"
    yield Problem(message, file=name, evidence={"cure": cure})
