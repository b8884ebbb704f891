"""What adapter_config.json says about one module, by PEFT's own rules: whether it is adapted, and with which rank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.hostile_regex import Budget, bounded

DEFAULT_R = 8
MAX_KEYS = 5_000
MAX_PATH = 1000
MAX_SAVED = 100


class Ranks:
    """The rank of each module: the first key of rank_pattern that fits, in file order, else `r`.

    Source: peft/utils/other.py::get_pattern_key, the same in 0.18.0 and 0.21.2. Module paths come without
    `base_model.model.`.

    Raises:
        FactUnavailable: rank_pattern is no object, or holds what cannot be evaluated safely.
    """

    def __init__(self, config: Mapping[str, Any], paths: Iterable[str]) -> None:
        paths = list(paths)
        self._r = config.get("r", DEFAULT_R)
        table = config.get("rank_pattern") or {}
        if not isinstance(table, Mapping) or len(table) > MAX_KEYS:
            raise FactUnavailable("rank_pattern is no object of a sensible size")
        longest = _longest(paths)
        self._budget = Budget()
        self._rows = [
            (key, bounded(key, longest, "rank_pattern", r"(.*\.)?({})$"), value) for key, value in table.items()
        ]

    def of(self, path: str) -> tuple[Any, str | None]:
        """The value as written, and the key of rank_pattern that it comes from (None: from `r`)."""
        for key, pattern, value in self._rows:
            if self._budget.spend(pattern.match, path):
                return value, key
        return self._r, None


class Targets:
    """Whether PEFT adapts a module.

    Source: peft/tuners/tuners_utils.py::check_target_module_exists (0.21.2; 0.18.0 differs for nested layer numbers).

    Raises:
        FactUnavailable: the config leaves it to the base model, or holds what cannot be evaluated safely.
    """

    def __init__(self, config: Mapping[str, Any], paths: Iterable[str]) -> None:
        longest = _longest(paths)
        wanted = config.get("target_modules")
        if wanted is None or (isinstance(wanted, str) and wanted.lower() == "all-linear"):
            raise FactUnavailable("target_modules leaves the choice to the base model")
        self._wanted = _names_or_pattern(wanted, longest, "target_modules")
        self._excluded = _names_or_pattern(config.get("exclude_modules") or [], longest, "exclude_modules")
        saved = config.get("modules_to_save") or []
        if not isinstance(saved, list) or len(saved) > MAX_SAVED:
            raise FactUnavailable("modules_to_save is no list of a sensible size")
        self._budget = Budget()
        frame = r"(^|.*\.){}($|\..*)"
        self._saved = [bounded(str(name), longest, "modules_to_save", frame) for name in saved]
        layers = config.get("layers_to_transform")
        if layers is not None and not isinstance(layers, (int, list)):
            raise FactUnavailable("layers_to_transform is neither a number nor a list")
        self._layers = [layers] if isinstance(layers, int) else layers or None
        self._number = re.compile(r".*?\.[^.]*\.(\d+)\.")
        if self._layers is not None and config.get("layers_pattern"):
            raise FactUnavailable("layers_pattern is not evaluated")

    def has(self, path: str) -> bool:
        """Whether the module of that path, without `base_model.model.`, gets an adapter."""
        return self._budget.spend(self._has, path)

    def _has(self, path: str) -> bool:
        if _fits(self._excluded, path) or any(pattern.match(path) for pattern in self._saved):
            return False
        if not _fits(self._wanted, path):
            return False
        if self._layers is None or isinstance(self._wanted, re.Pattern) or path in self._wanted:
            return True
        found = self._number.match(path)
        return bool(found) and int(found[1]) in self._layers  # type: ignore[index]


def stacked_modules(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The modules that hold `target_parameters`: their factors stack one rank per expert.

    A name without a path leaves the module open; PEFT 0.21 writes such names for adapters made before transformers 5
    fused the experts, and transformers calls the module of its fused experts `experts` everywhere.

    Raises:
        FactUnavailable: there are too many of them to be meant.
    """
    parameters = config.get("target_parameters")
    names = parameters if isinstance(parameters, list) else []
    found = {name.rpartition(".")[0] or "experts" for name in names if isinstance(name, str) and name}
    if len(found) > MAX_PATH:
        raise FactUnavailable(f"target_parameters names more than {MAX_PATH} modules")
    return tuple(found)


def _longest(paths: Iterable[str]) -> int:
    longest = max(map(len, paths), default=0)
    if longest > MAX_PATH:
        raise FactUnavailable(f"a module path is longer than {MAX_PATH} characters")
    return longest


def _names_or_pattern(value: Any, longest: int, where: str) -> frozenset[str] | re.Pattern[str]:
    if isinstance(value, str):
        return bounded(value, longest, where)
    if isinstance(value, (list, dict)) and len(value) <= MAX_KEYS:
        return frozenset(name for name in value if isinstance(name, str))
    raise FactUnavailable(f"{where} is neither a text nor a list")


def _fits(wanted: frozenset[str] | re.Pattern[str], path: str) -> bool:
    if isinstance(wanted, re.Pattern):
        return wanted.fullmatch(path) is not None
    parts = path.split(".")
    return any(".".join(parts[start:]) in wanted for start in range(len(parts)))
