"""JSON files that Python's reader refuses, with the place, and with the cure where one reading is left."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, json_files, mend_json

NAMES = {
    "bom": "the byte order mark", "comment": "the comments", "trailing-comma": "the commas too many",
    "syntax": "what is Python and not JSON",
}  # fmt: skip


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt):
        problems = ckpt.document(file).problems
        kinds = {problem.kind for problem in problems if problem.fatal}
        if not kinds - {"bom"} or "encoding" in kinds:
            continue
        fatal = [problem for problem in problems if problem.fatal and problem.kind != "bom"]
        first = fatal[0]
        more = f" (and {len(fatal) - 1} more faults)" if len(fatal) > 1 else ""
        edits = mend_json(ckpt.data(file), problems, file)
        fix = Fix(f"mend {' and '.join(NAMES[kind] for kind in sorted(kinds))}", "safe", edits) if edits else None
        message = f"{file}, line {first.line}, column {first.column}: {first.message}{more}"
        yield Problem(message, first.pointer, file, fix, line=first.line)
