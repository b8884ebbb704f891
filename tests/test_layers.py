"""Who may import whom: the import order of the design, and what a rule's check.py may see."""

from __future__ import annotations

import ast
import configparser
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "checkpoint_doctor"
# Room to the rooms it may import; its own room and `errors` always.
MAY_SEE = {
    "errors": set(),
    "core": set(),
    "facts": {"core"},
    "knowledge": {"core"},
    "versions": {"core", "facts", "knowledge"},
    "sdk": {"core", "facts", "knowledge", "versions"},
    "engine": {"core", "facts", "knowledge", "versions", "sdk"},
    "repair": {"core", "facts", "knowledge", "sdk", "engine"},
    "merge": {"core", "facts", "knowledge"},
    "render": {"core"},
    "api": {"core", "facts", "knowledge", "versions", "sdk", "engine", "repair", "merge", "render"},
    "commands": {"core", "engine", "render", "api"},
    "cli": {"commands"},
    "__main__": {"cli"},
    "__init__": {"api"},
}


def imports(path: Path) -> Iterator[str]:
    """Every absolute import of a file, also those inside functions and for type checking."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "checkpoint_doctor":
                yield from (f"checkpoint_doctor.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_import_order(path: Path) -> None:
    room = room_of(path)
    allowed = MAY_SEE[room] | {room, "errors", "__version__"}
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "checkpoint_doctor" and rest:
            assert rest.split(".")[0] in allowed, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*.py")), ids=lambda path: path.parent.name)
def test_rules_see_only_the_sdk(path: Path) -> None:
    for name in imports(path):
        assert name == "checkpoint_doctor.sdk" or name.split(".")[0] in sys.stdlib_module_names, name


@pytest.mark.parametrize("heavy", ["torch", "transformers", "peft", "numpy", "ml_dtypes", "huggingface_hub"])
def test_heavy_libraries_stay_in_their_rooms(heavy: str) -> None:
    """numpy only in merge; torch, transformers and peft nowhere yet; the hub client only where it downloads."""
    allowed = {"numpy": {"merge"}, "ml_dtypes": {"merge"}, "huggingface_hub": {"facts/download.py"}}.get(heavy, set())
    for path in PACKAGE.rglob("*.py"):
        if any(name.split(".")[0] == heavy for name in imports(path)):
            place = path.relative_to(PACKAGE).as_posix()
            assert place in allowed or room_of(path) in allowed, place


def test_packages_are_all_listed() -> None:
    """A sub-package missing from the list is dropped from the wheel without a warning."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in PACKAGE.rglob("__init__.py")}
    with_code = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in PACKAGE.rglob("*.py")}
    assert listed == folders | {"checkpoint_doctor.rules"} == with_code | {"checkpoint_doctor.rules"}
