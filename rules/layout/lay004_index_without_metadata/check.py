"""The index lacks the object that the library writes into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, FactUnavailable, Fix, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    file = ckpt.weights.index_file
    if not file:
        return
    index = ckpt.json(file)
    if not isinstance(index, dict) or isinstance(index.get("metadata", ABSENT), dict):
        return
    absent = "metadata" not in index
    value: dict[str, int] = {}
    with suppress(FactUnavailable):  # the size is for programs that estimate; loading does not use it
        value = {"total_size": sum(tensor.nbytes for tensor in ckpt.tensors.values())}
    op, before = ("add", ABSENT) if absent else ("set", index["metadata"])
    fix = Fix(f'set "metadata" to {json.dumps(value)}', "safe", (Edit(op, file, "/metadata", before, value),))  # type: ignore[arg-type]
    state = "is absent" if absent else "is no object"
    yield Problem(f'"metadata" {state} in {file}', "" if absent else "/metadata", file=file, fix=fix)
