"""Keys that stand twice in one object; told once for a file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, json_files


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt, "generation_config.json"):
        document = ckpt.document(file)
        found = [problem for problem in document.problems if problem.kind == "duplicate-key"]
        if found and document.valid:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            yield Problem(f"{found[0].message}{more}", found[0].pointer, file, line=found[0].line)
