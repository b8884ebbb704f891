"""From the answers of releases to rows by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build.probe import rows, wheels


def test_answers_are_held_against_the_newest() -> None:
    found = {
        900: ["refused", "data did not match any variant at line 1 column 2"],
        1000: ["read", ["x"]],
        1100: ["read", ["y"]],
        1200: ["read", ["y"]],
    }
    judged = rows.judged(found)
    assert judged == {
        900: ("refused", "data did not match any variant"),
        1000: ("ignored", ""),
        1100: ("read", ""),
        1200: ("read", ""),
    }
    assert rows.row(judged) == {
        "in": 1100,
        "else": {"@": [["refused", [900, 1000]], ["ignored", [1000, 1100]]]},
        "message": "data did not match any variant",
    }


def test_what_all_read_needs_no_more() -> None:
    assert rows.row({900: ("read", ""), 1000: ("read", "")}) == {"in": 900}
    gap = {900: ("read", ""), 1000: ("ignored", ""), 1100: ("read", "")}
    assert rows.row(gap) == {"in": [900, 1000, 1100], "else": "ignored"}


def test_a_newest_release_that_refuses_is_an_error() -> None:
    with pytest.raises(ValueError, match="newest"):
        rows.judged({900: ["read", []], 1000: ["refused", "no"]})


def test_only_rows_of_the_same_kinds_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "overrides.tsv"
    path.write_text("a\tx\t{}\twhy\thttps://a\nb\told\t{}\twhy\thttps://b\n")
    rows.replace(path, {"b"}, {("b", "new"): {"in": 1}, ("b", "é"): {"in": 2}}, "seen", "https://c")
    assert path.read_text(encoding="utf-8") == (
        'a\tx\t{}\twhy\thttps://a\nb\tnew\t{"in":1}\tseen\thttps://c\nb\té\t{"in":2}\tseen\thttps://c\n'
    )


def test_wheels_and_the_interpreters_for_them(tmp_path: Path) -> None:
    for name in (
        "tokenizers-0.9.0-cp38-cp38-manylinux1_x86_64.whl",
        "tokenizers-0.23.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tokenizers-stub.whl",
        "other-1.0-cp38-cp38-linux.whl",
    ):
        (tmp_path / name).touch()
    old, new = wheels.wheels(tmp_path, "tokenizers")
    assert (old.release, old.python, old.stable) == (900, (3, 8), False)
    assert (new.release, new.python, new.stable) == (2303, (3, 10), True)
    pythons = {(3, 9): "nine", (3, 11): "eleven", (3, 12): "twelve"}
    assert wheels.fitting(old, pythons) is None
    assert wheels.fitting(old, {**pythons, (3, 8): "eight"}) == "eight"
    assert wheels.fitting(new, pythons) == "twelve"
    with pytest.raises(UserError, match="no wheels"):
        wheels.wheels(tmp_path, "peft")


def test_interpreters_are_asked_what_they_are() -> None:
    assert wheels.interpreters([sys.executable]) == {sys.version_info[:2]: sys.executable}


@pytest.mark.parametrize("package", ["tokenizers", "safetensors"])
def test_children_answer_for_what_is_installed(package: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    pytest.importorskip("numpy")
    import subprocess

    asked = {"F32": 32, "F8_E4M3": 8, "NO_SUCH": 8} if package == "safetensors" else {"x": [{"model": 1}, "a", None]}
    child = Path(wheels.__file__).with_name(f"child_{package}.py")
    done = subprocess.run(
        [sys.executable, str(child), str(tmp_path)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    said = {name: what for name, (what, _) in answer.items()}
    assert said == (
        {"F32": "read", "F8_E4M3": "read", "NO_SUCH": "refused"} if package == "safetensors" else {"x": "refused"}
    )
