"""Our JSON reader: says exactly where every value stands, and exactly what is wrong when Python would refuse the file.

The judge is `json.loads(data.decode("utf-8"))`, which is what transformers does with its JSON files (open with
encoding="utf-8", then json.loads: configuration_utils.py, `PreTrainedConfig._dict_from_json_file`). It also does the
work: the tolerant scanner runs only when there is something to explain, and spans are looked up only when asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from checkpoint_doctor.facts import sniff
from checkpoint_doctor.facts.json_text import encoding as json_encoding
from checkpoint_doctor.facts.json_text.faults import Fault
from checkpoint_doctor.facts.json_text.locate import Lines, Locator, Span
from checkpoint_doctor.facts.json_text.pointer import escape, pointer_get, unescape
from checkpoint_doctor.facts.json_text.scanner import digits_limit, scan

__all__ = ["JsonDocument", "JsonProblem", "Span", "escape", "parse", "pointer_get", "unescape"]

_HARMLESS = ("duplicate-key", "nonfinite")  # Python reads these
_READABLE = ("json", "text", "binary", "empty")  # what sniff says of files that are explained as JSON


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """One thing that is wrong with a JSON file.

    Attributes:
        kind: "bom", "encoding", "empty", "truncated", "trailing-comma", "comment", "merge-conflict", "single-quotes",
            "syntax", "trailing-data", "too-deep", "duplicate-key", "nonfinite" or "control-character".
        message: one plain line.
        line: 1-based.
        column: 1-based, in characters.
        begin: offset of the first offending byte; equal to `end` where something is missing.
        end: offset after the last offending byte.
        pointer: JSON pointer of the innermost value concerned.
        fatal: whether `json.loads` raises because of it.
    """

    kind: str
    message: str
    line: int
    column: int
    begin: int
    end: int
    pointer: str
    fatal: bool


@dataclass(frozen=True, slots=True, eq=False)
class JsonDocument:
    """A JSON file that was read as well as possible.

    Attributes:
        value: the parsed value, the last of equal keys winning; also after faults that leave one reading (byte order
            mark, another encoding, trailing or missing commas, comments, single quotes, text after the end); None when
            nothing could be recovered. An integer that Python refuses for its length is None in it.
        problems: sorted by their place in the file; at most 200 of a kind.
    """

    value: Any
    problems: tuple[JsonProblem, ...] = ()
    _locator: Locator | None = field(default=None, repr=False)
    _same_bytes: bool = field(default=True, repr=False)

    @property
    def valid(self) -> bool:
        """Whether Python reads the file."""
        return not any(problem.fatal for problem in self.problems)

    def span(self, pointer: str) -> Span | None:
        """Byte range of the value that `pointer` names; None when there is none, or when the file is UTF-16 or 32."""
        if self._locator is None or not self._same_bytes:
            return None
        spans, found = self._locator.trail(pointer)
        return spans[-1] if found else None

    def line(self, pointer: str) -> int:
        """1-based line of the value, of its key for members of objects, or else of its nearest ancestor that exists."""
        return self._place(pointer)[0]

    def column(self, pointer: str) -> int:
        """1-based column, in characters, of what `line` says."""
        return self._place(pointer)[1]

    def _place(self, pointer: str) -> tuple[int, int]:
        if self._locator is None:
            return 1, 1
        spans, _ = self._locator.trail(pointer)
        if len(spans) < 2:
            return 1, 1
        return self._locator.place(spans[-1].begin if spans[-1].key_begin < 0 else spans[-1].key_begin)


def parse(data: bytes, *, max_depth: int = 500) -> JsonDocument:
    """Read a JSON file. Never raises.

    Args:
        data: the whole file.
        max_depth: a file with more containers inside each other is refused ("too-deep"), even where Python's own limit,
            which depends on its version and on the stack, would let it pass.
    """
    value, error, remarkable = _strict(data)
    if error is None and not remarkable and not _deeper(data, value, max_depth):
        return JsonDocument(value, (), Locator(data, data, json_encoding.UTF8))
    if error is not None:
        wide = json_encoding.wide(data)
        if wide is not None:
            return _wide(*wide, size=len(data), max_depth=max_depth)
        kind = sniff.sniff(data[: sniff.HEAD_SIZE], len(data))
        if kind not in _READABLE:
            name = "empty" if kind == "zeros" else "syntax"
            foreign = Fault(name, f"this is {sniff.describe(kind)}, not JSON", 0, len(data), "")
            return JsonDocument(None, _problems(data, [foreign]))
    return _explain(data, value, error, max_depth)


def _strict(data: bytes) -> tuple[Any, Exception | None, bool]:
    """What Python reads, or why it does not, and whether it read something that deserves a remark."""
    remarkable = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal remarkable
        found = dict(pairs)
        if len(found) != len(pairs):
            remarkable = True
        return found

    def constant(name: str) -> float:
        nonlocal remarkable
        remarkable = True
        return float(name)

    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=members, parse_constant=constant), None, remarkable
    except (ValueError, RecursionError) as error:
        return None, error, False


def _deeper(data: bytes, value: Any, limit: int) -> bool:
    """Whether `value`, parsed from `data`, has more than `limit` containers inside each other."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    level = [value] if type(value) in (dict, list) else []
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True


def _wide(text: str, name: str, mark: int, *, size: int, max_depth: int) -> JsonDocument:
    """A UTF-16 or UTF-32 file: one problem, and the value and the lines of its text."""
    with_mark = " with a byte order mark" if mark else ""
    message = f"the file is {name}{with_mark}; transformers reads UTF-8"
    problem = JsonProblem("encoding", message, 1, 1, 0, mark or size, "", True)
    data = text.encode("utf-8", "replace")
    value, error, _ = _strict(data)
    if error is not None or _deeper(data, value, max_depth):
        inner = _explain(data, value, error, max_depth)
        return JsonDocument(inner.value, (problem,), inner._locator, False)
    return JsonDocument(value, (problem,), Locator(data, data, json_encoding.UTF8), False)


def _explain(data: bytes, value: Any, error: Exception | None, max_depth: int) -> JsonDocument:
    codec = json_encoding.guess(data)
    scanned = scan(data, codec, max_depth)
    faults = list(scanned.faults)
    if error is None:
        faults = [fault for fault in faults if fault.kind in (*_HARMLESS, "too-deep")]
        clean: bytes | None = data
        if any(fault.kind == "too-deep" for fault in faults):
            value, clean = None, None
    else:
        if damage := json_encoding.damage(data):
            faults.append(Fault("encoding", damage[2], damage[0], damage[1], ""))
        if all(fault.kind in _HARMLESS for fault in faults):
            faults.append(_last_resort(data, error))
        value, clean = _recover(scanned.clean, codec)
    locator = None if clean is None else Locator(data, clean, codec)
    return JsonDocument(value, _problems(data, faults), locator)


def _recover(clean: bytes | None, codec: json_encoding.Codec) -> tuple[Any, bytes | None]:
    """The value of the mended text, and the text when that worked."""
    if clean is None:
        return None, None
    limit = digits_limit() or len(clean)

    def integer(digits: str) -> int | None:
        return int(digits) if len(digits.lstrip("-")) <= limit else None

    try:
        return json.loads(clean.decode(*codec), strict=False, parse_int=integer), clean
    except (ValueError, RecursionError):
        return None, None


def _last_resort(data: bytes, error: Exception) -> Fault:
    """Python refused the file and the scanner found no reason: Python's own."""
    if isinstance(error, RecursionError):
        return Fault("too-deep", "the containers inside each other overflow Python's stack", 0, len(data), "")
    begin = 0
    if isinstance(error, json.JSONDecodeError):
        begin = len(error.doc[: error.pos].encode("utf-8", "replace"))
    return Fault("syntax", f"Python's JSON reader refuses it: {error}", begin, begin, "")


def _problems(data: bytes, faults: list[Fault]) -> tuple[JsonProblem, ...]:
    lines = Lines(data)
    return tuple(
        JsonProblem(
            fault.kind,
            fault.message,
            *lines.place(fault.begin),
            fault.begin,
            fault.end,
            fault.pointer,
            fault.kind not in _HARMLESS,
        )
        for fault in sorted(faults, key=lambda fault: fault.begin)
    )
