"""rank_pattern and alpha_pattern: the first key, in file order, that fits a module path.

PEFT asks `re.match(rf"(.*\\.)?({key})$", path)` (peft/utils/other.py::get_pattern_key, 0.16 to 0.21). The keys are a
stranger's regular expressions, so they are run under the bounds of facts.hostile_regex, and refused beyond them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts.hostile_regex import Budget, bounded

MAX_KEYS = 20_000
MAX_PATH = 1000
_FRAME = r"(.*\.)?({})$"


class Pattern:
    """One rank_pattern or alpha_pattern.

    Args:
        field: the name in adapter_config.json, for messages.
        table: its value.
        longest: length of the longest module path that will be asked for.

    Raises:
        UserError: it is no object of patterns to numbers, or a pattern could cost too much.
    """

    def __init__(self, field: str, table: Any, longest: int) -> None:
        self._budget = Budget()
        self._rows: list[tuple[re.Pattern[str], Any]] = []
        if table is None:
            return
        if not isinstance(table, Mapping) or len(table) > MAX_KEYS:
            raise UserError(
                f"{field} in adapter_config.json is not an object of sensible size", "it maps names to numbers"
            )
        if table and longest > MAX_PATH:
            raise UserError(f"a module path of the adapter is longer than {MAX_PATH} characters")
        try:
            self._rows = [(bounded(key, longest, field, _FRAME), value) for key, value in table.items()]
        except FactUnavailable as problem:
            raise _refusal(problem) from None

    def get(self, path: str, default: Any) -> Any:
        """The value of the first key that fits a path, else `default`; raises UserError when time runs out."""
        try:
            for pattern, value in self._rows:
                if self._budget.spend(pattern.match, path):
                    return value
        except FactUnavailable as problem:
            raise _refusal(problem) from None
        return default


def _refusal(problem: FactUnavailable) -> UserError:
    return UserError(f"adapter_config.json: {problem.reason}", "write the module names out instead of a pattern")
