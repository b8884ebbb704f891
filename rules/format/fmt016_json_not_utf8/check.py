"""JSON files in another encoding, or with bytes that no UTF-8 text holds."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, json_files


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt):
        found = [problem for problem in ckpt.document(file).problems if problem.kind == "encoding"]
        if found:
            yield Problem(f"{file}: {found[0].message}", found[0].pointer, file, line=found[0].line)
