"""rank_pattern and alpha_pattern: PEFT's own matching for what is harmless, a refusal for what could hang."""

from __future__ import annotations

import re

import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge.patterns import MAX_PATH, Pattern

PATH = "model.layers.10.self_attn.q_proj"


def get(key: str, path: str = PATH) -> object:
    return Pattern("rank_pattern", {key: 5}, len(path)).get(path, 1)


@pytest.mark.parametrize(
    "key",
    [
        "q_proj", "self_attn.q_proj", r"layers\.10\.self_attn\.q_proj", r".*\.q_proj", r"model\.layers\.(9|10)\..*proj",
        r"layers.(0|1|2|3|4|5|6|7|8|9|10).self_attn.(q|k|v)_proj", "^model.*q_proj", "[a-z._0-9]+", "k_proj", "proj",
        r"layers\.\d{1,2}\..*(?:q|v)_proj", "q_proj$", "", "layers.10.self_attn.q_proj|x",
    ],
)  # fmt: skip
def test_like_peft(key: str) -> None:
    """peft/utils/other.py::get_pattern_key of 0.21.2."""
    assert get(key) == (5 if re.match(rf"(.*\.)?({key})$", PATH) else 1)


def test_the_first_match_wins() -> None:
    table = {"k_proj": 1, ".*proj": 2, "q_proj": 3}
    assert Pattern("rank_pattern", table, 40).get(PATH, 0) == 2
    assert Pattern("rank_pattern", {}, 40).get(PATH, 7) == Pattern("rank_pattern", None, 40).get(PATH, 7) == 7


@pytest.mark.parametrize("key", ["(a+)+b", r"(.*)\1", "a*a*a*a*a*b", "a?" * 40 + "a" * 40, "(a|b)" * 30, "(", "x{2,1}"])
def test_dangerous_or_invalid(key: str) -> None:
    with pytest.raises(UserError, match=r"adapter_config.json: rank_pattern holds"):
        get(key)


@pytest.mark.parametrize("table", [[], "q_proj", 3, {str(number): 1 for number in range(20_001)}])
def test_no_table(table: object) -> None:
    with pytest.raises(UserError):
        Pattern("rank_pattern", table, 40)


def test_long_paths_are_refused() -> None:
    with pytest.raises(UserError, match="longer than"):
        get("q_proj", "a." * MAX_PATH)
