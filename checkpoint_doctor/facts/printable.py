"""Names out of a checkpoint, made safe to show."""

from __future__ import annotations

from collections.abc import Iterable


def printable(name: str, limit: int = 120) -> str:
    """`name` in at most `limit` (one or more) characters that are safe to show: nothing that moves or hides text.

    Control, format (bidirectional among them), private and unassigned characters, spaces but the plain one, and lone
    surrogates become escapes as in Python source; of a long name the middle is left out, for the ends tell names apart.
    """
    if len(name) <= limit and name.isprintable():
        return name
    ends = name if len(name) <= 2 * limit else name[:limit] + name[-limit:]  # so as not to escape a name of 100 MB
    pieces = [c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in ends]
    if len(name) <= limit and sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room = limit - 1
    front = _fitting(pieces, room - room // 2)
    back = _fitting(reversed(pieces), room // 2)
    return "".join([*front, "…", *reversed(back)])


def _fitting(pieces: Iterable[str], room: int) -> list[str]:
    """As many of the first pieces as fit, none of them cut."""
    taken: list[str] = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken
