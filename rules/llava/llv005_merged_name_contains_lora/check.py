"""A merged model that kept the name of its run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava, printable, rename_fix

WORD = re.compile(r"[-_.]?(?<![a-z])q?lora(?![a-z])", re.IGNORECASE)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    name = llava.loader_name(ckpt.root)
    if ckpt.adapter is not None or llava.is_snapshot(ckpt.root) or not {"llava", "lora"} <= _words(name):
        return
    better = WORD.sub("", ckpt.name) or "llava-merged"
    free = better != ckpt.name and not (ckpt.root.absolute().parent / better).exists()
    fix = rename_fix(ckpt, better) if free else None
    yield Problem(f"a full model lies under a name with 'lora' in it: {printable(name)}", fix=fix)


def _words(name: str) -> set[str]:
    return {word for word in ("llava", "lora") if word in name.lower()}
