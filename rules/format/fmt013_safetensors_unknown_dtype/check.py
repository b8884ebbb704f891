"""A dtype that the library does not know makes it refuse the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, refused_headers

KINDS = {"unknown-dtype"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file, problem in refused_headers(ckpt):
        if problem.kind in KINDS and ckpt.kind(file) in ("safetensors", "binary"):
            yield Problem(f"{file}: {problem.message}", file=file)
