"""Regular expressions written by a stranger, run only when their cost is bounded.

rank_pattern, alpha_pattern and a target_modules string may hold any regular expression, and Python's matcher has no
time limit. A pattern is run when the ways in which it can match are few: no repeated groups, no back-references, few
repetitions and alternatives. Everything else is refused by name, never guessed.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from typing import TypeVar

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.printable import printable

MAX_PATTERN = 2000
# Ways in which a pattern can match one name, counted generously; this many take a fraction of a second.
MAX_WAYS = 4_000_000
MAX_SECONDS = 5.0

Found = TypeVar("Found")

_PLAIN = re.compile(r"[\w.\-]*\Z")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,?\d*\}")


def bounded(pattern: str, longest: int, where: str, frame: str = "{}") -> re.Pattern[str]:
    """Compile a pattern that is safe to match against names of at most `longest` characters.

    Args:
        pattern: as written in the checkpoint.
        longest: length of the longest name that it will be matched against.
        where: the key it stands under, for the reason.
        frame: a regular expression of our own around it, with "{}" for the pattern.

    Raises:
        FactUnavailable: it could cost too much, or is no regular expression.
    """
    reason = _danger(pattern, frame, longest)
    if reason:
        raise FactUnavailable(f"{where} holds a pattern that {reason}: {printable(pattern, 60)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sets that a later Python may read in another way
            return re.compile(frame.replace("{}", pattern))
    except (re.error, OverflowError, RecursionError) as problem:
        raise FactUnavailable(f"{where} holds an invalid regular expression: {printable(pattern, 60)}") from problem


class Budget:
    """Time for many matches together."""

    def __init__(self) -> None:
        self._spent = 0.0

    def spend(self, match: Callable[[str], Found], name: str) -> Found:
        """`match(name)`; raises FactUnavailable when all of them took more than five seconds."""
        start = time.monotonic()
        found = match(name)
        self._spent += time.monotonic() - start
        if self._spent > MAX_SECONDS:
            raise FactUnavailable("the patterns of adapter_config.json take too long to evaluate")
        return found


def _danger(pattern: str, frame: str, longest: int) -> str:
    if len(pattern) > MAX_PATTERN:
        return f"is longer than {MAX_PATTERN} characters"
    if _PLAIN.match(pattern):
        return ""
    framed = frame.replace("{}", pattern)
    bare = re.sub(r"\\[^\dgk]|\[\^?\]?[^\]]*\]", "x", framed)  # escapes and character sets count as one character
    if re.search(r"\\[\dgk]|\(\?P=|\(\?\(", bare):
        return "uses back-references"
    if re.search(r"\)[*+{]", bare):
        return "repeats a group"
    bare = re.sub(r"\(\?(?:[:=!]|<[=!]|P<\w*>)", "(", bare)  # look-around tries its inside as a group does
    ways = (longest + 2) ** len(_UNBOUNDED.findall(bare)) * 2 ** bare.count("?")
    return "can match in too many ways" if ways * _alternatives(bare) > MAX_WAYS else ""


def _alternatives(bare: str) -> int:
    """Product over all groups of the number of their alternatives."""
    product, open_groups = 1, [1]
    for character in bare:
        if character == "(":
            open_groups.append(1)
        elif character == "|":
            open_groups[-1] += 1
        elif character == ")" and len(open_groups) > 1:
            product *= open_groups.pop()
    for count in open_groups:
        product *= count
    return product
