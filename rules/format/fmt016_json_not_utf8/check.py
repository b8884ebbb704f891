"""JSON files in another encoding, or with bytes that no UTF-8 text holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, json_files

WIDE = re.compile(r"UTF-(?:16|32)(?= \((little|big)-endian\)( with a byte order mark)?)")
NARROW = re.compile(r"if it is ([\w-]+)\)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt):
        found = [problem for problem in ckpt.document(file).problems if problem.kind == "encoding"]
        if found:
            message = found[0].message
            encoding = _encoding(message)
            evidence = {"cure": f"iconv -f {encoding} -t UTF-8 {{file}} > NEW && mv NEW {{file}}"} if encoding else {}
            yield Problem(f"{file}: {message}", found[0].pointer, file, evidence=evidence, line=found[0].line)


def _encoding(message: str) -> str:
    """What iconv calls it; without a mark the byte order has to be said."""
    if wide := WIDE.search(message):
        return wide[0] if wide[2] else wide[0] + {"little": "LE", "big": "BE"}[wide[1]]
    narrow = NARROW.search(message)
    return narrow[1].replace("Latin-1", "ISO-8859-1") if narrow else ""
