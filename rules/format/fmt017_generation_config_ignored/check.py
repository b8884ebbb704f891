"""A generation_config.json that cannot be read; unlike all other files it stops nothing."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import STAND_INS, Checkpoint, Fix, Problem, describe_kind, mend_json


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    file = "generation_config.json"
    kind = ckpt.kind(file)
    problems = ckpt.document(file).problems
    fatal = [problem for problem in problems if problem.fatal]
    if not fatal:
        return
    if kind in STAND_INS:
        yield Problem(f"{file} is {describe_kind(kind)}")
        return
    first = fatal[0]
    edits = mend_json(ckpt.data(file), problems, file)
    fix = Fix("make it valid JSON, so that it is read", "unsafe", edits) if edits else None
    yield Problem(f"line {first.line}, column {first.column}: {first.message}", first.pointer, fix=fix, line=first.line)
