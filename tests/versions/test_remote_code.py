"""What code beside a config imports is read as text, for sure and in bounded time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.constraints.remote_code import constraints, imports

CONFIG = {"model_type": "tiny", "auto_map": {"AutoConfig": "configuration_tiny.TinyConfig"}}


def checkpoint(folder: Path, code: str) -> Checkpoint:
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "configuration_tiny.py").write_text(code)
    return Checkpoint(folder)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from transformers import A, B as C\n", ["A", "B"]),
        ("from transformers.utils import (\n    a,  # one, two\n    b,\n)\n", ["a", "b"]),
        ("from transformers.utils import *\n", []),
        ("import transformers\n", []),
        ("try:\n    from transformers import A\nexcept ImportError:\n    pass\n", []),
        ('"""\nfrom transformers import A\n"""\nfrom transformers import B\n', ["B"]),
        ("from transformers_extra import A\n", []),
        ("from torch import nn\n", []),
        ("from transformers import (A", []),
        ("", []),
    ],
)
def test_imports(code: str, names: list[str], tmp_path: Path) -> None:
    assert [name for _, _, name in imports(checkpoint(tmp_path, code))] == names


def test_files_that_import_each_other_are_read_once(tmp_path: Path) -> None:
    ckpt = checkpoint(tmp_path, "from .b import x\nfrom .missing import y\n")
    (tmp_path / "b.py").write_text("from .configuration_tiny import z\nfrom transformers import A\n")
    assert list(imports(Checkpoint(ckpt.root))) == [("b.py", "transformers", "A")]


@pytest.mark.parametrize(
    "code",
    [
        "from .a import (\n" * 50_000,
        "from transformers import (" + "a," * 400_000,
        "'''" * 300_001,
        "".join(f"from .m{number} import x\n" for number in range(40_000)),
        "from transformers" + ".a" * 400_000,
    ],
    ids=["open brackets", "one long list", "quotes", "many files", "dots"],
)
def test_hostile_code_costs_little(code: str, tmp_path: Path) -> None:
    start = time.perf_counter()
    assert not list(constraints(checkpoint(tmp_path, code)))
    assert time.perf_counter() - start < 5
