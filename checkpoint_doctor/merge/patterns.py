"""rank_pattern and alpha_pattern: regular expressions written by a stranger, matched without letting them hang us.

PEFT takes the first key, in file order, for which `re.match(rf"(.*\\.)?({key})$", module_path)` is true
(peft/utils/other.py::get_pattern_key, 0.16 to 0.21). Such a key may be any regular expression. Python's matcher has no
time limit, so only keys whose cost is bounded are run: no repeated groups, no look-around, no back-references, and few
repetitions and alternatives. The rest is refused by name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable

MAX_KEYS = 20_000
MAX_KEY = 400
MAX_PATH = 256
# Ways in which a key can match one path, counted generously; PEFT's own `(.*\.)?` comes on top.
MAX_WAYS = 1_000_000
MAX_SECONDS = 10.0

_PLAIN = re.compile(r"[\w.\-]+\Z")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,?\d*\}")


class Pattern:
    """One rank_pattern or alpha_pattern, ready to be asked."""

    def __init__(self, field: str, table: Any) -> None:
        """Check every key.

        Args:
            field: the name in adapter_config.json, for messages.
            table: its value.

        Raises:
            UserError: it is no object of keys to numbers, or a key could cost too much.
        """
        self.field = field
        self._spent = 0.0
        self._rows: list[tuple[re.Pattern[str], Any]] = []
        if table is None:
            return
        if not isinstance(table, Mapping):
            raise UserError(f"{field} in adapter_config.json is not an object", "it maps module names to numbers")
        if len(table) > MAX_KEYS:
            raise UserError(f"{field} in adapter_config.json has more than {MAX_KEYS} keys", "this is no PEFT adapter")
        self._rows = [(self._compile(key), value) for key, value in table.items()]

    def _compile(self, key: str) -> re.Pattern[str]:
        reason = _danger(key)
        if reason:
            raise UserError(
                f"{self.field} in adapter_config.json holds a pattern that {reason}: {printable(key, 80)}",
                "write the module names out instead",
            )
        try:
            return re.compile(rf"(.*\.)?({key})$")
        except (re.error, OverflowError, RecursionError) as problem:
            raise UserError(
                f"{self.field} in adapter_config.json holds an invalid regular expression: {printable(key, 80)}",
                f"PEFT fails on it too ({problem})",
            ) from problem

    def get(self, path: str, default: Any) -> Any:
        """The value of the first key that matches a module path, else `default`."""
        if not self._rows:
            return default
        if len(path) > MAX_PATH:
            raise UserError(f"a module path is longer than {MAX_PATH} characters: {printable(path, 60)}")
        started = time.monotonic()
        try:
            return next((value for pattern, value in self._rows if pattern.match(path)), default)
        finally:
            self._spent += time.monotonic() - started
            if self._spent > MAX_SECONDS:
                raise UserError(f"{self.field} takes too long to evaluate", "write the module names out instead")


def _danger(key: str) -> str:
    """Why a key is not run, or ""."""
    if len(key) > MAX_KEY:
        return f"is longer than {MAX_KEY} characters"
    if _PLAIN.match(key):
        return ""
    bare = re.sub(r"\\[^\dgk]|\[\^?\]?[^\]]*\]", "x", key)  # escapes and character sets count as one character
    if re.search(r"\\[\dgk]|\(\?(?!:)", bare):
        return "uses back-references or look-around"
    if re.search(r"\)[*+{]", bare):
        return "repeats a group"
    ways = MAX_PATH ** len(_UNBOUNDED.findall(bare)) * 2 ** bare.count("?")
    if ways * _alternatives(bare) > MAX_WAYS:
        return "can match in too many ways"
    return ""


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
