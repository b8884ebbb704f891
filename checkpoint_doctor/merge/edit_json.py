"""Changing a few top-level values of a JSON object while the rest of the file keeps its bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.facts.json_text import spans as json_spans


def set_values(data: bytes, changes: Mapping[str, Any]) -> bytes:
    """The file with these values; new keys come last, indented like the first one.

    Args:
        data: a JSON object, UTF-8.
        changes: key to value.
    """
    document = json_spans.parse(data)
    wanted = {**document.value, **changes}
    edited = data
    places = []
    for key, value in changes.items():
        span = document.span("/" + json_spans.escape(key)) if key in document.value else None
        if span is not None:
            places.append((span.begin, span.end, value))
    for begin, end, value in sorted(places, key=lambda place: place[0], reverse=True):
        edited = edited[:begin] + _dump(value, _indent(data, begin)) + edited[end:]
    added = {key: value for key, value in changes.items() if key not in document.value}
    if added:
        edited = _append(edited, added)
    # Equal keys, exotic encodings and the like: then the formatting is given up, never the values.
    if json_spans.parse(edited).value != wanted:
        edited = json.dumps(wanted, indent=2, ensure_ascii=False).encode() + b"\n"
    return edited


def _append(data: bytes, added: Mapping[str, Any]) -> bytes:
    close = data.rstrip().rfind(b"}")
    head = data[:close].rstrip()
    first = data.find(b'"')
    indent = _indent(data, first) if b"\n" in data[:first] else b""
    separator = b",\n" + indent if indent else b", "
    members = [json.dumps(key, ensure_ascii=False).encode() + b": " + _dump(added[key], indent) for key in added]
    lead = b"" if head.endswith(b"{") else separator
    return head + lead + separator.join(members) + (b"\n" if indent else b"") + data[close:]


def _indent(data: bytes, offset: int) -> bytes:
    """The white space that the line of an offset starts with."""
    line = data[data.rfind(b"\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(b" \t"))]


def _dump(value: Any, indent: bytes) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, (dict, list)) and value else None)
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b"\n" + indent)
