"""A safetensors file is longer than its header says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Problem, command, header_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for problem in header_problems(ckpt, {"trailing-bytes"}):
        file = problem.file or ""
        header = ckpt.header(file)
        call = command("truncate", "-s", header.file_bytes + header.missing_bytes, ckpt.root / file)
        cure = f"download the file again; when its header is known to be right, this is enough: {call}"
        yield replace(problem, evidence={"cure": cure})
