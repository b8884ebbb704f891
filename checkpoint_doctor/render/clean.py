"""Text out of a checkpoint, made safe for a terminal."""

from __future__ import annotations


def clean(text: str) -> str:
    """Escape what could drive a terminal: names and values come out of a stranger's checkpoint."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
