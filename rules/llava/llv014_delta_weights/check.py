"""LLaVA v0 and v1 were published as differences to LLaMA; only the name tells, weights are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, printable

# "LLaVA-7b-delta-v0", "llava_med_ckpt_delta"; not "delta-tuning". The config's _name_or_path proves nothing: a model
# made from a delta keeps it.
NAME = re.compile(r"(?:.*[-_.])?delta(?:[-_.]v\d[\w.-]*)?", re.IGNORECASE)
FOLDER = re.compile(r"models--.+?--(.+)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.adapter is not None:
        return
    folder = FOLDER.fullmatch(ckpt.root.absolute().parent.parent.name)
    name = folder[1] if folder else ckpt.name
    if NAME.fullmatch(name):
        yield Problem(f"{printable(name)} holds differences to a base, not a model")
