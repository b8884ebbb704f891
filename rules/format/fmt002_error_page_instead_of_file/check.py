"""What lies there is the answer of a web server."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, describe_kind, opened_files, printable

SHOWN = 60


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for name in opened_files(ckpt):
        kind = ckpt.kind(name)
        if kind in ("html", "xml-error", "error-body"):
            start = " ".join(ckpt.head(name)[:1000].decode("utf-8", "replace").split())
            yield Problem(f"{name} is {describe_kind(kind)}: {printable(start[:SHOWN])}", file=name)
