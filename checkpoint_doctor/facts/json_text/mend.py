"""How to turn a faulty JSON file into the one text that it can mean, byte by byte."""

from __future__ import annotations

from checkpoint_doctor.core.fix import Edit
from checkpoint_doctor.facts.json_text import spans as json_spans
from checkpoint_doctor.facts.json_text.spans import JsonProblem

_PYTHON = {b"True": "true", b"False": "false", b"None": "null"}
_BYTE_ORDER_MARK = "\ufeff"


def mend(data: bytes, problems: tuple[JsonProblem, ...], file: str) -> tuple[Edit, ...]:
    """The splices that make the file valid, last place first, so that none moves the next; () when no reading is left.

    Only what leaves one reading is mended: a byte order mark, commas too many, comments, Python's True, False and None.
    The result is parsed to prove it.
    """
    edits = []
    for problem in sorted(problems, key=lambda problem: -problem.begin):
        if not problem.fatal:
            continue
        value = _replacement(data, problem)
        if value is None:
            return ()
        try:
            before = data[problem.begin : problem.end].decode("utf-8")
        except UnicodeDecodeError:
            return ()
        edits.append(Edit("splice", file, f"{problem.begin}:{problem.end}", before, value))
    pieces, begin = [], len(data)
    for edit in edits:
        first, last = map(int, edit.pointer.split(":"))
        if last > begin:
            return ()
        pieces += [data[last:begin], str(edit.value).encode()]
        begin = first
    pieces.append(data[:begin])
    return tuple(edits) if edits and json_spans.parse(b"".join(reversed(pieces))).valid else ()


def _replacement(data: bytes, problem: JsonProblem) -> str | None:
    """What to write over the offending bytes; None when that cannot be known."""
    found = data[problem.begin : problem.end]
    if problem.kind == "bom":
        return "" if found == _BYTE_ORDER_MARK.encode() else None
    if problem.kind in ("trailing-comma", "comment"):
        return ""
    if problem.kind == "syntax":
        return "" if found == b"," else _PYTHON.get(found)
    return None
