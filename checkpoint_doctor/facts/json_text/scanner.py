"""A tolerant JSON scanner that explains faults: what is wrong, exactly where, and what the text says without them.

It is slower than `json.loads` and runs only when there is something to explain. It keeps its own stack, so nesting
cannot overflow anything. The text is scanned as Latin-1, one character per byte: offsets are byte offsets.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import NoReturn

from checkpoint_doctor.facts.json_text.encoding import Codec
from checkpoint_doctor.facts.json_text.faults import Fault, Frame, Reporter, Stop, quoted
from checkpoint_doctor.facts.printable import printable

_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[-+.\w]*", re.ASCII)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(_INTEGER.pattern + r"(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_CUT_NUMBER = re.compile(r"-|" + _INTEGER.pattern + r"(?:\.[0-9]*)?(?:[eE][-+]?)?")
_CONTROL = re.compile(r"[\x00-\x1f]")
_MARKER = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?![<=>|]).*$", re.MULTILINE)
# Members that cannot be at fault, with the comma before them. Every repetition is bounded or of one character: the
# memory and the time that a match takes do not depend on what stands in the file.
_GAP = r"[ \t\n\r]*"
_PLAIN_STRING = r'"[^"\\\x00-\x1f]*"'
_PLAIN_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,3})?"
_PLAIN = rf"(?:{_PLAIN_STRING}|(?:{_PLAIN_NUMBER}|true|false|null)(?![-+.\w]))"
_PLAIN_LIST = rf"\[{_GAP}{_PLAIN}(?:{_GAP},{_GAP}{_PLAIN}){{0,9}}{_GAP}\]"
_PLAIN_ITEM = re.compile(rf"{_GAP},{_GAP}(?:{_PLAIN}|{_PLAIN_LIST})", re.ASCII)
_PLAIN_MEMBER = re.compile(rf'{_GAP},{_GAP}"([^"\\\x00-\x1f]*)"{_GAP}:{_GAP}(?:{_PLAIN}|{_PLAIN_LIST})', re.ASCII)
_BOM = "\xef\xbb\xbf"
_ODD_SPACE = ("/", "#", "\xef")
_QUOTES, _OPENERS, _CLOSERS = ('"', "'"), ("{", "["), ("}", "]")
_STARTS = (*_QUOTES, *_OPENERS, *"-0123456789tfnTFNI")
_LITERALS = ("true", "false", "null")
_NONFINITE = ("NaN", "Infinity", "-Infinity")  # Python's reader takes them, the standard and most others do not
_PYTHON = {"True": "true", "False": "false", "None": "null"}
_LENIENT = ("utf-8", "replace")
# Steps and control characters that are looked at one by one, a microsecond each. What follows is not explained.
_MAX_STEPS = 500_000
_decode = json.JSONDecoder(strict=False).raw_decode  # not strict: control characters in strings are told one by one


@dataclass(frozen=True, slots=True)
class Scanned:
    """Faults in the order of the file; `clean` is the text, equally long, without them, None when one stopped us."""

    faults: tuple[Fault, ...]
    clean: bytes | None


def digits_limit() -> int:
    """How many digits Python reads in one integer; 0 when there is no limit (before 3.10.7)."""
    limit = getattr(sys, "get_int_max_str_digits", None)
    return limit() if limit else 0


def scan(data: bytes, codec: Codec, max_depth: int) -> Scanned:
    """Explain `data`. Never raises.

    Args:
        data: the file.
        codec: how to read its text (see `json_encoding.guess`).
        max_depth: containers inside each other, at most.
    """
    scanner = _Scanner(data, codec, max_depth)
    try:
        scanner.run()
    except Stop:
        return Scanned(tuple(scanner.faults), None)
    return Scanned(tuple(scanner.faults), bytes(scanner.clean))


class _Scanner(Reporter):
    def __init__(self, data: bytes, codec: Codec, max_depth: int) -> None:
        super().__init__(data)
        self.codec, self.max_depth = codec, max_depth
        self.digits = digits_limit() or len(data)
        self.steps = 0

    # The grammar

    def run(self) -> None:
        pos = self._space(0)
        if pos == len(self.text):
            self.stop("empty", "the file holds no JSON value", 0, pos)
        pos = self._value(pos)
        while self.frames:
            pos = self._step(self._plain(pos))
        pos = self._space(pos)
        if pos < len(self.text):
            self._trailing(pos)

    def _plain(self, end: int) -> int:
        """From the end of a value over the plain members that follow it: most of a big file, and nothing to tell."""
        frame, text = self.frames[-1], self.text
        if len(self.frames) < self.max_depth:
            if frame.keys is not None and frame.token is not None:
                while match := _PLAIN_MEMBER.match(text, end):
                    key = match[1]
                    if not key.isascii():
                        key = self.data[match.start(1) : match.end(1)].decode(*self.codec)
                    if key in frame.keys:
                        break
                    frame.token, frame.keys[key], end = key, match.start(1) - 1, match.end()
            elif isinstance(frame.token, int):
                while match := _PLAIN_ITEM.match(text, end):
                    frame.token, end = frame.token + 1, match.end()
        return end

    def _step(self, end: int) -> int:
        """From the end of a value, or from just inside a container, to the next such place."""
        frame = self.frames[-1]
        self.busy = False
        self._spend()
        pos, comma = self._space(end), -1
        if frame.token is not None:
            pos, comma = self._separator(frame, end, pos)
        if self._at(pos) == frame.closer:
            if comma >= 0:
                message = f"a comma stands before the {frame.closer} that ends the {frame.name}"
                self.mend("trailing-comma", message, comma, comma + 1)
            self.frames.pop()
            return pos + 1
        if pos == len(self.text):
            self.cut()
        if frame.keys is None:
            frame.token = frame.token + 1 if isinstance(frame.token, int) else 0
        else:
            pos = self._key(frame, frame.keys, pos)
        self.busy = True
        return self._value(pos)

    def _separator(self, frame: Frame, end: int, pos: int) -> tuple[int, int]:
        """Over the comma at `pos`, if there is one: where the next token stands, and where the comma (or -1)."""
        char = self._at(pos)
        if char == ",":
            comma, pos = pos, self._space(pos + 1)
            while self._at(pos) == ",":
                self._spend()
                self.mend("syntax", "two commas in a row", pos, pos + 1)
                pos = self._space(pos + 1)
            return pos, comma
        if char != frame.closer:
            if char not in _STARTS or (frame.keys is not None and char not in _QUOTES):
                self._unexpected(pos, f"expected a comma or {frame.closer}")
            self.add("syntax", "a comma is missing between two values", end, end)
            if pos == end:
                raise Stop
            self.clean[end] = ord(",")
        return pos, -1

    def _key(self, frame: Frame, keys: dict[str, int], pos: int) -> int:
        """From a key to the value behind its colon."""
        if self._at(pos) not in _QUOTES:
            if word := self._word_at(pos):
                self.stop("syntax", f"the key {quoted(word)} needs double quotes", pos, pos + len(word))
            self._unexpected(pos, "expected a key in double quotes")
        key, end = self._string(pos)
        if not key.isascii():
            key, _ = _decode(self.clean[pos:end].decode(*self.codec))
        frame.token, self.busy = key, True
        if key in keys:
            message = f"the key {quoted(key)} stands on line {self.line(keys[key])} too; the last one wins"
            self.add("duplicate-key", message, pos, end)
        keys.setdefault(key, pos)
        colon = self._space(end)
        if self._at(colon) != ":":
            self._unexpected(colon, f"expected a colon after the key {quoted(key)}")
        return self._space(colon + 1)

    def _value(self, pos: int) -> int:
        """To the end of the scalar at `pos`, or into the container."""
        char = self._at(pos)
        if char in _QUOTES:
            return self._string(pos)[1]
        if char not in _OPENERS:
            return self._word(pos)
        if len(self.frames) == self.max_depth:
            self.stop("too-deep", f"more than {self.max_depth} containers inside each other", pos, pos + 1)
        self.frames.append(Frame(pos, char))
        self.busy = False
        return pos + 1

    # Tokens

    def _space(self, pos: int) -> int:
        """Over white space and what people take for it."""
        while True:
            pos = _SPACE.match(self.text, pos).end()  # type: ignore[union-attr]  # it matches everywhere
            if self.text[pos : pos + 1] not in _ODD_SPACE:
                return pos
            end = self._odd_space(pos)
            if end == pos:
                return pos
            self._spend()
            pos = end

    def _odd_space(self, pos: int) -> int:
        text = self.text
        if text.startswith(_BOM, pos):
            self.mend("bom", "a UTF-8 byte order mark, which Python's JSON reader refuses", pos, pos + 3)
            return pos + 3
        if text[pos] == "#" or text.startswith("//", pos):
            end = text.find("\n", pos)
            end = len(text) if end < 0 else end - (text[end - 1] == "\r")
        elif text.startswith("/*", pos):
            end = text.find("*/", pos + 2) + 2
            if end < 2:
                message = f"the comment that starts on line {self.line(pos)} is never closed"
                self.stop("truncated", message, pos, len(text))
        else:
            return pos
        self.mend("comment", "a comment; JSON has none", pos, end)
        return end

    def _string(self, pos: int) -> tuple[str, int]:
        if self.text[pos] == "'":
            return self._single_quoted(pos)
        try:
            value, end = _decode(self.text, pos)
        except json.JSONDecodeError as error:
            self._bad_string(pos, error)
        if not value.isprintable():  # cheap, and true of nearly all
            for match in _CONTROL.finditer(self.text, pos, end):
                self._control(match[0], match.start())
        return value, end

    def _spend(self) -> None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise Stop

    def _control(self, char: str, pos: int) -> None:
        self._spend()
        name = {"\n": "line break", "\t": "tab"}.get(char, f"control character U+{ord(char):04X}")
        message = f"a bare {name} inside a string; JSON writes it {json.dumps(char)[1:-1]}"
        if char == "\n" and not self.torn:
            self.torn = True
            message += ", or the closing quote is missing"
        self.add("control-character", message, pos, pos + 1)

    def _bad_string(self, pos: int, error: json.JSONDecodeError) -> NoReturn:
        if error.msg.startswith("Unterminated") or self.text.find('"', error.pos) < 0:
            message = f"the string that starts on line {self.line(pos)} is never closed"
            self.stop("truncated", message, pos, len(self.text))
        begin = self.text.rfind("\\", pos, error.pos + 1)
        end = min(begin + (6 if self._at(begin + 1) == "u" else 2), len(self.text))
        shown = self.data[begin:end].decode(*_LENIENT)
        message = f"{printable(shown)} is not an escape that JSON knows; a backslash itself is written \\\\"
        self.stop("syntax", message, begin, end)

    def _single_quoted(self, pos: int) -> tuple[str, int]:
        message = "a string in single quotes; JSON wants double quotes"
        end = self.text.find("'", pos + 1)
        body = self.text[pos + 1 : end] if end > 0 else "\n"
        try:
            value, used = _decode(f'"{body}"')
        except json.JSONDecodeError:
            used = -1
        if used != len(body) + 2 or "\n" in body:  # a quote or an escape inside, or no end: no one-to-one rewriting
            self.stop("single-quotes", message, pos, max(end, pos) + 1)
        self.add("single-quotes", message, pos, end + 1)
        self.clean[pos] = self.clean[end] = ord('"')
        return value, end + 1

    def _word_at(self, pos: int) -> str:
        return _WORD.match(self.text, pos)[0]  # type: ignore[index]  # it matches everywhere

    def _word(self, pos: int) -> int:
        """Over a number or a literal."""
        word = self._word_at(pos)
        end = pos + len(word)
        if not word:
            self._unexpected(pos, "expected a value")
        if _NUMBER.fullmatch(word):
            digits = len(word.lstrip("-"))
            if digits > self.digits and _INTEGER.fullmatch(word):
                self.add("syntax", f"an integer of {digits} digits; Python reads at most {self.digits}", pos, end)
        elif word in _NONFINITE:
            self.add("nonfinite", f"{word} is no JSON number; Python reads it, most other readers refuse it", pos, end)
        elif word in _PYTHON:
            self.add("syntax", f"{word} is Python, JSON writes {_PYTHON[word]}", pos, end)
            self.clean[pos:end] = _PYTHON[word].encode()
        elif word not in _LITERALS:
            whole = (*_LITERALS, *_NONFINITE)
            if end == len(self.text) and (any(w.startswith(word) for w in whole) or _CUT_NUMBER.fullmatch(word)):
                self.cut()
            what = "number as JSON writes it" if re.match(r"[-+.]?[0-9]", word) else "JSON value"
            self.stop("syntax", f"{quoted(word)} is no {what}", pos, end)
        return end

    # What stops us

    def _unexpected(self, pos: int, wanted: str) -> NoReturn:
        if pos == len(self.text):
            self.cut()
        self._conflicts(pos)
        char = self.data[pos : pos + 4].decode(self.codec[0], "replace")[0]
        width = 1 if char == "\ufffd" else len(char.encode(self.codec[0]))
        if char in _CLOSERS and self.frames:
            frame = self.frames[-1]
            if char != frame.closer:
                where = f"the {frame.name} that starts on line {self.line(frame.begin)}"
                wanted = f"expected {frame.closer}, which ends {where}"
        found = char if char.isascii() and char.isprintable() else f"{printable(char)} (U+{ord(char):04X})"
        self.stop("syntax", f"{wanted}, found {found}", pos, pos + width)

    def _conflicts(self, pos: int) -> None:
        """Stop with all conflicts of the file when a marker stands at `pos`."""
        if not _MARKER.match(self.text, pos):
            return
        begin, told = -1, False
        for marker in _MARKER.finditer(self.text):
            self._spend()
            if marker[0][0] == "<":
                begin = marker.start()
            elif marker[0][0] == ">":
                self._conflict(begin if begin >= 0 else marker.start(), marker.end())
                begin, told = -1, True
        if begin >= 0 or not told:
            self._conflict(begin if begin >= 0 else pos, len(self.text))
        raise Stop

    def _conflict(self, begin: int, end: int) -> None:
        lines = f"lines {self.line(begin)} to {self.line(end)}"
        self.add("merge-conflict", f"an unresolved Git merge conflict, {lines}", begin, end)

    def _trailing(self, pos: int) -> None:
        self._conflicts(pos)
        char = self._at(pos)
        message = "text after the end of the JSON value"
        if char in _CLOSERS:
            message = f"one {char} too many after the end of the JSON value"
        elif char in _OPENERS:
            message = "a second JSON value after the first (two files joined, or JSON Lines)"
        self.mend("trailing-data", message, pos, len(self.text))

    def _at(self, pos: int) -> str:
        return self.text[pos : pos + 1]
