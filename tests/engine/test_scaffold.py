"""`rules new` writes a room whose test fails until it is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.engine.loader import load_rules, rules_folder
from checkpoint_doctor.engine.scaffold import new_rule
from checkpoint_doctor.errors import UserError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    for name in ("rule.schema.json", "retired.json"):
        (tmp_path / "rules" / name).write_bytes((rules_folder() / name).read_bytes())
    return tmp_path


def test_the_next_free_code_is_taken(checkout: Path) -> None:
    first = new_rule(checkout, "pol", "Forbidden base model")[0].parent.name[:6].upper()
    new_rule(checkout, "POL", "forbidden licence")
    codes = [rule.code for rule in load_rules(checkout / "rules")]
    assert codes == [first, f"POL{int(first[3:]) + 1:03}"]
    assert (checkout / "fixtures" / first / "bad_first" / "given").is_dir()


def test_a_code_of_the_shipped_rules_is_not_taken_again(checkout: Path) -> None:
    paths = new_rule(checkout, "CFG", "foreign thing")
    taken = {rule.code for rule in load_rules(rules_folder())}
    assert paths[0].parent.name[:6].upper() not in taken


@pytest.mark.parametrize(("subject", "name"), [("XXX", "some state"), ("POL", "!"), ("POL", "word")])
def test_nonsense_is_refused(checkout: Path, subject: str, name: str) -> None:
    with pytest.raises(UserError):
        new_rule(checkout, subject, name)
