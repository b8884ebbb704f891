"""The JSON text of a safetensors header, as serde_json reads it for the library.

serde_json is stricter than Python's json in some places and more lenient in none; what Python would let pass is caught
here, at the speed of its C scanner. Checked by running both on millions of texts.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.safetensors_file.problem import Problems

MAX_DEPTH = 127  # levels of arrays and objects; serde_json counts down from 128 and must not reach zero


def _float(text: str) -> float:
    # serde refuses numbers beyond the doubles. Its arithmetic is not exact there: of the numbers within a few units in
    # the last place of 1.797693134862315e308, which mean something only inside ignored fields, some are judged wrongly.
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {printable(text, 40)} is out of range")
    return value


def _int(text: str) -> int | float:
    # serde reads -0 and whatever needs more than 64 bits as a float. int() takes quadratic time for long texts.
    return _float(text) if len(text) > 20 or text == "-0" else int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


# Objects become tuples of pairs and arrays become lists: duplicates stay visible, at the speed of the C scanner.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=_int, parse_float=_float, parse_constant=_constant)
# Every escape of a valid text in turn; the group is one half of a surrogate pair without the other.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)")


def read_members(head: bytes, problems: Problems) -> tuple[tuple[str, object], ...] | None:
    """The members of the top object in order; None, with a problem, when there is no such object."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add("not-utf8", f"the header is not UTF-8 text: byte 0x{head[error.start]:02x} at {8 + error.start}")
        return None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        near = printable(text[max(0, error.pos - 20) : error.pos + 20])
        problems.add("invalid-json", f"the header is not valid JSON: {error.msg} at character {error.pos}, near {near}")
        return None
    except ValueError as error:
        problems.add("invalid-json", f"the header is not valid JSON: {error}")
        return None
    except RecursionError:
        problems.add("invalid-json", f"the header is nested deeper than {MAX_DEPTH} levels")
        return None
    # serde refuses the escapes of lone surrogates everywhere, Python passes them on.
    lone = next((match for match in _ESCAPE.finditer(text) if match[1]), None) if "\\u" in text else None
    if lone:
        problems.add("invalid-json", f"the header holds half a surrogate pair, {lone[0]}, at character {lone.start()}")
        return None
    if not isinstance(value, tuple):
        problems.add("not-an-object", f"the header is {type_name(value)} and not an object")
        return None
    return value


def type_name(value: object) -> str:
    """A value as parsed by `_DECODER`, in words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return f"the number {printable(repr(value), 40)}"
    if isinstance(value, str):
        return f"the string `{printable(value, 40)}`"
    return "an object" if isinstance(value, tuple) else "an array"


def depth(value: object) -> int:
    """Levels of arrays and objects in `value`, 0 for a scalar; without recursion."""
    levels = 0
    level = [value]
    while level := [item for item in level if isinstance(item, (list, tuple))]:
        levels += 1
        level = [child for item in level for child in (item if isinstance(item, list) else [v for _, v in item])]
    return levels
