"""Where the values of a JSON text stand, found on demand along one pointer.

An index of a whole tokenizer.json would take seconds, so only the containers on the way are walked, and the C parser
of the standard library skips what lies beside it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from checkpoint_doctor.facts.json_text.encoding import Codec
from checkpoint_doctor.facts.json_text.pointer import index, split

_SPACE = re.compile(r"[ \t\n\r]*")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")
_BLOCK = 1 << 16
_skip = json.JSONDecoder(strict=False, parse_int=float).raw_decode  # float: int() refuses thousands of digits


@dataclass(frozen=True, slots=True)
class Span:
    """Byte range of a value, and of its key with the quotes (-1 for array items and the root)."""

    begin: int
    end: int
    key_begin: int
    key_end: int


class Lines:
    """Lines and columns of byte offsets; cheap for many offsets of one text, even when it has one endless line."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._counts = [0]  # line feeds before each block
        for begin in range(0, len(data), _BLOCK):
            self._counts.append(self._counts[-1] + data.count(b"\n", begin, begin + _BLOCK))
        self._last = (0, 0, 1)  # line, offset and column of the last answer

    def line(self, offset: int) -> int:
        """The 1-based line that holds the byte."""
        block = offset // _BLOCK
        return self._counts[block] + self._data.count(b"\n", block * _BLOCK, offset) + 1

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line, and the 1-based column in characters."""
        line = self.line(offset)
        known, begin, column = self._last
        if line != known or offset < begin:
            begin, column = self._data.rfind(b"\n", 0, offset) + 1, 1
        column += len(self._data[begin:offset].decode("utf-8", "replace"))
        self._last = (line, offset, column)
        return line, column


class Locator:
    """Finds values in `clean`, strict JSON but for control characters in strings, with the offsets of `data`.

    `clean` is `data` with its tolerable faults blanked out, byte for byte; lines and columns are those of `data`.
    """

    def __init__(self, data: bytes, clean: bytes, codec: Codec) -> None:
        self._data, self._clean, self._codec = data, clean, codec
        self._text = ""
        self._root: Span | None = None
        self._lines: Lines | None = None
        self._inside: dict[int, dict[str, Span] | list[Span]] = {}

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of a byte offset."""
        if self._lines is None:
            self._lines = Lines(self._data)
        return self._lines.place(offset)

    def trail(self, pointer: str) -> tuple[list[Span], bool]:
        """The spans from the root along the pointer as far as they exist, and whether that is all the way."""
        spans: list[Span] = []
        try:
            if self._root is None:
                self._text = self._clean.decode("latin-1")  # one character per byte: offsets are byte offsets
                self._root = Span(self._after_space(0), len(self._text.rstrip(" \t\n\r")), -1, -1)
            spans.append(self._root)
            for token in split(pointer):
                children = self._children(spans[-1].begin)
                spans.append(children[_place(token)] if isinstance(children, list) else children[token])
        except (LookupError, RecursionError):  # RecursionError: the caller's own stack is nearly full
            return spans, False
        return spans, True

    def _children(self, begin: int) -> dict[str, Span] | list[Span]:
        if begin not in self._inside:
            opener = self._text[begin]
            self._inside[begin] = self._members(begin) if opener == "{" else self._items(begin) if opener == "[" else []
        return self._inside[begin]

    def _members(self, begin: int) -> dict[str, Span]:
        text = self._text
        found: dict[str, Span] = {}
        pos = self._after_space(begin + 1)
        while text[pos] != "}":
            key, key_end = _skip(text, pos)
            if not key.isascii():
                key, _ = _skip(self._clean[pos:key_end].decode(*self._codec))
            begin = _COLON.match(text, key_end).end()  # type: ignore[union-attr]  # the text is valid
            _, end = _skip(text, begin)
            found[key] = Span(begin, end, pos, key_end)  # the last of equal keys wins, as in json.loads
            pos = _COMMA.match(text, end).end()  # type: ignore[union-attr]
        return found

    def _items(self, begin: int) -> list[Span]:
        text = self._text
        found: list[Span] = []
        pos = self._after_space(begin + 1)
        while text[pos] != "]":
            _, end = _skip(text, pos)
            found.append(Span(pos, end, -1, -1))
            pos = _COMMA.match(text, end).end()  # type: ignore[union-attr]
        return found

    def _after_space(self, pos: int) -> int:
        return _SPACE.match(self._text, pos).end()  # type: ignore[union-attr]  # it matches everywhere


def _place(token: str) -> int:
    place = index(token)
    if place is None:
        raise KeyError(token)
    return place
