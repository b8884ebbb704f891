"""A byte order mark is all that keeps Python from reading a JSON file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, json_files, mend_json


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt):
        problems = ckpt.document(file).problems
        if [problem.kind for problem in problems if problem.fatal] == ["bom"]:
            fix = Fix("remove the byte order mark", "safe", mend_json(ckpt.data(file), problems, file))
            yield Problem(f"{file} begins with a UTF-8 byte order mark", file=file, fix=fix)
