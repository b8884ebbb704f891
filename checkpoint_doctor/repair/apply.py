"""Apply edits to texts: the bytes of one value change, the rest of the file keeps its formatting."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from checkpoint_doctor.core.fix import ABSENT, Edit
from checkpoint_doctor.errors import CkptDoctorError
from checkpoint_doctor.facts.json_text import spans as json_spans
from checkpoint_doctor.sdk import Checkpoint


class StaleEdit(CkptDoctorError):
    """The file does not hold what the edit expects there; nothing was changed."""


def apply_edits(ckpt: Checkpoint, edits: Iterable[Edit]) -> Checkpoint:
    """The checkpoint with the edits planned on top of it; no file is written.

    Raises:
        StaleEdit: an edit does not fit the text it is meant for.
        FactUnavailable: a file cannot be read.
    """
    for edit in edits:
        before = ckpt.data(edit.file) if ckpt.has(edit.file) else b"{}\n"
        ckpt = ckpt.with_data(edit.file, edit_bytes(before, edit))
    return ckpt


def edit_bytes(data: bytes, edit: Edit) -> bytes:
    """One edit on the bytes of a file.

    Raises:
        StaleEdit: the place or the expected value is not there.
    """
    if edit.op == "splice":
        return _splice(data, edit)
    document = json_spans.parse(data)
    if edit.op == "add":
        return _add(data, document, edit)
    span = document.span(edit.pointer)
    # Compared as JSON text, because 1 == True in Python.
    if span is None or _dump(json_spans.pointer_get(document.value, edit.pointer), b"") != _dump(edit.expect, b""):
        raise StaleEdit(f"{edit.file}: {edit.pointer or 'the document'} is not {edit.expect!r} any more")
    if edit.op == "set":
        return data[: span.begin] + _dump(edit.value, _indent_at(data, span.begin)) + data[span.end :]
    if span.key_begin < 0 and edit.op == "rename":
        raise StaleEdit(f"{edit.file}: {edit.pointer} is no object member")
    if edit.op == "rename":
        return data[: span.key_begin] + _dump(edit.value, b"") + data[span.key_end :]
    return _remove(data, span.key_begin if span.key_begin >= 0 else span.begin, span.end)


def _splice(data: bytes, edit: Edit) -> bytes:
    begin, _, end = edit.pointer.partition(":")
    first, last = int(begin), int(end)
    if data[first:last] != str(edit.expect).encode("utf-8"):
        raise StaleEdit(f"{edit.file}: bytes {edit.pointer} have changed")
    return data[:first] + str(edit.value).encode("utf-8") + data[last:]


def _add(data: bytes, document: json_spans.JsonDocument, edit: Edit) -> bytes:
    parent, _, token = edit.pointer.rpartition("/")
    span = document.span(parent)
    try:
        container = json_spans.pointer_get(document.value, parent)
    except KeyError:
        container = None
    if span is None or not isinstance(container, (dict, list)) or edit.expect is not ABSENT:
        raise StaleEdit(f"{edit.file}: {parent or 'the document'} is no place to add {token!r}")
    key = json_spans.unescape(token)
    if isinstance(container, dict) and key in container:
        raise StaleEdit(f"{edit.file}: {edit.pointer} exists already")
    close = span.end - 1
    last = close
    while data[last - 1 : last] in (b" ", b"\t", b"\r", b"\n"):
        last -= 1
    indent = _member_indent(data, document, parent, container)
    lead = b"\n" + indent if indent is not None else b""
    name = _dump(key, b"") + b": " if isinstance(container, dict) else b""
    member = name + _dump(edit.value, indent or b"")
    if not container:
        return data[: span.begin + 1] + member + data[close:]
    return data[:last] + b"," + (lead or b" ") + member + data[last:]


def _member_indent(data: bytes, document: json_spans.JsonDocument, parent: str, container: Any) -> bytes | None:
    """The white space before the first member when members stand on lines of their own."""
    if not container:
        return None
    first = next(iter(container)) if isinstance(container, dict) else 0
    span = document.span(f"{parent}/{json_spans.escape(str(first))}")
    if span is None:
        return None
    begin = span.key_begin if span.key_begin >= 0 else span.begin
    line = data.rfind(b"\n", 0, begin) + 1
    white = data[line:begin]
    return white if line and not white.strip() else None


def _indent_at(data: bytes, begin: int) -> bytes:
    line = data[data.rfind(b"\n", 0, begin) + 1 : begin]
    return line[: len(line) - len(line.lstrip())]


def _dump(value: Any, indent: bytes) -> bytes:
    """JSON text; an object or list that is too long for a line is laid out under `indent`."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    if isinstance(value, (dict, list)) and len(text) > 80:
        text = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n" + indent.decode())
    return text.encode("utf-8", "surrogatepass")


def _remove(data: bytes, begin: int, end: int) -> bytes:
    """Cut a member with the comma that it leaves over."""
    after = end
    while data[after : after + 1] in (b" ", b"\t", b"\r", b"\n"):
        after += 1
    if data[after : after + 1] == b",":
        after += 1
        while data[after : after + 1] in (b" ", b"\t", b"\r", b"\n"):
            after += 1
        return data[:begin] + data[after:]
    before = begin
    while data[before - 1 : before] in (b" ", b"\t", b"\r", b"\n"):
        before -= 1
    if data[before - 1 : before] == b",":
        return data[: before - 1] + data[end:]
    return data[:begin] + data[end:]
