"""Find the rules folder by path and read every room's rule.json."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from checkpoint_doctor.core.finding import Problem
from checkpoint_doctor.core.rule import Rule
from checkpoint_doctor.errors import CkptDoctorError

Check = Callable[..., Iterable[Problem]]
SCHEMA_FILE = "rule.schema.json"


@lru_cache(maxsize=1)
def rules_folder() -> Path:
    """The folder of rules: inside the package when it was installed, beside it in a checkout.

    It is found by path and never imported, because a `rules` package breaks in several editable modes.

    Raises:
        CkptDoctorError: the installation has no rules.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "rules", package.parent / "rules"):
        if (folder / SCHEMA_FILE).is_file():
            return folder
    raise CkptDoctorError(f"no rules beside {package}: the installation is incomplete")


def load_rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """All rules, sorted by code: the shipped ones, read once, or those of another folder.

    Raises:
        CkptDoctorError: a rule.json cannot be read, or two rooms claim one code.
    """
    return _shipped() if folder is None else _load(folder)


@lru_cache(maxsize=1)
def _shipped() -> tuple[Rule, ...]:
    return _load(rules_folder())


def _load(folder: Path) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    # Some two hundred files at every start: pathlib's glob and text reading would take twice as long.
    for room in sorted(room for area in _folders(folder) for room in _folders(area)):
        path = Path(room, "rule.json")
        if not os.path.isfile(path):
            continue
        rule = read_rule(path)
        if rule.code in rules:
            raise CkptDoctorError(f"{path} claims the code {rule.code} of {rules[rule.code].room}")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))


def _folders(folder: str | Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_dir()]


def read_rule(path: Path) -> Rule:
    """One rule from its rule.json; the full shape is proven by the tests, not at every start."""
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read())
        data.pop("$schema", None)
        for name in ("model_types", "needs", "constraints", "after"):
            data[name] = tuple(data.get(name, ()))
        return Rule(room=path.parent, **data)
    except (OSError, ValueError, TypeError) as problem:
        raise CkptDoctorError(f"{path}: {problem}") from problem


def load_check(rule: Rule) -> Check:
    """The `check` function of a rule's check.py."""
    name = f"_ckpt_doctor_rule_{rule.code}"
    module = sys.modules.get(name)
    if module is None or module.__file__ != str(rule.room / "check.py"):
        module = _import(name, rule.room / "check.py")
    check: Check = module.check
    return check


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CkptDoctorError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module
