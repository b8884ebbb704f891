"""The JSON text at the start of a safetensors file is not what safetensors reads."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, refused_headers

KINDS = {
    "too-small", "not-utf8", "invalid-json", "not-an-object", "metadata-type", "duplicate-metadata", "entry-shape",
    "duplicate-field", "negative-or-float", "too-many-dimensions",
}  # fmt: skip


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file, problem in refused_headers(ckpt):
        kind = ckpt.kind(file)
        large = problem.kind == "header-too-large" and kind == "safetensors"
        if large or (problem.kind in KINDS and kind in ("safetensors", "binary")):
            yield Problem(f"{file}: {problem.message}", file=file)
