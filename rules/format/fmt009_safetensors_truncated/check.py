"""A safetensors file is shorter than its header says."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, refused_headers

KINDS = {"truncated", "header-past-end"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file, problem in refused_headers(ckpt):
        if problem.kind in KINDS and ckpt.kind(file) in ("safetensors", "binary"):
            yield Problem(f"{file}: {problem.message}", file=file)
