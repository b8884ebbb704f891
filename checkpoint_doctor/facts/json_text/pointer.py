"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from typing import Any

_LONGEST_INDEX = 18  # digits; no list is longer, and int() refuses thousands of digits


def escape(token: str) -> str:
    """One key as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """The key that a pointer's token stands for; a "~" that begins no escape stays as it is."""
    return token.replace("~1", "/").replace("~0", "~")


def split(pointer: str) -> list[str]:
    """The unescaped tokens of a pointer; "" has none.

    Raises:
        KeyError: the pointer is neither empty nor begins with "/".
    """
    if not pointer:
        return []
    if pointer[0] != "/":
        raise KeyError(pointer)
    return [unescape(token) for token in pointer[1:].split("/")]


def index(token: str) -> int | None:
    """The array index that a token stands for: digits without a leading zero; else None ("-" too)."""
    if not (token.isascii() and token.isdigit()) or len(token) > _LONGEST_INDEX or (token[0] == "0" and token != "0"):
        return None
    return int(token)


def pointer_get(value: Any, pointer: str) -> Any:
    """The value that `pointer` names inside a parsed document.

    Raises:
        KeyError: nothing stands there, or the pointer is malformed.
    """
    for token in split(pointer):
        if isinstance(value, dict):
            if token not in value:
                raise KeyError(pointer)
            value = value[token]
        elif isinstance(value, list):
            place = index(token)
            if place is None or place >= len(value):
                raise KeyError(pointer)
            value = value[place]
        else:
            raise KeyError(pointer)
    return value
