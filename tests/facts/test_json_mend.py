"""Mending a JSON file: only what leaves one reading, proven by parsing, places told from the end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.facts.json_text import spans as json_spans
from checkpoint_doctor.facts.json_text.mend import mend


def mended(data: bytes) -> bytes | None:
    edits = mend(data, json_spans.parse(data).problems, "config.json")
    for edit in edits:
        begin, end = map(int, edit.pointer.split(":"))
        assert data[begin:end] == str(edit.expect).encode()
        data = data[:begin] + str(edit.value).encode() + data[end:]
    return data if edits else None


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": 1,}', {"a": 1}),
        (b'{"a": [1, 2,],\n}', {"a": [1, 2]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1,}', {"a": 1}),
        (b'{"a": 1, // one\n "b": 2}', {"a": 1, "b": 2}),
        (b'{"a": 1, # one\n "b": /* two */ 2}', {"a": 1, "b": 2}),
        (b'{"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}),
        (b'{"a": 1,, "b": 2}', {"a": 1, "b": 2}),
        ('{"ä": 1, /* ö */}'.encode(), {"ä": 1}),
    ],
)
def test_one_reading(data: bytes, value: object) -> None:
    result = mended(data)
    assert result is not None and json.loads(result) == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1',
        b"{'a': 1}",
        b'{"a": 1}}',
        b'{"a" 1}',
        b'{"a": "\xe9",}',
        b"",
        b"{a: 1,}",
        b'{"a": 1}',
        b'{"a": "x\n",}',
    ],
)
def test_no_reading_or_nothing_to_do(data: bytes) -> None:
    assert mended(data) is None


@given(st.binary(max_size=60) | st.text('{}[],:"/*#\n 1aTrueNone\ufeff', max_size=60).map(str.encode))
def test_never_raises_and_never_lies(data: bytes) -> None:
    result = mended(data)
    if result is not None:
        json.loads(result)
