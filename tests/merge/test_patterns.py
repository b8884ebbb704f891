"""rank_pattern and alpha_pattern: PEFT's own matching for what is harmless, a refusal for what could hang."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge.patterns import MAX_PATH, Pattern

PATH = "model.layers.10.self_attn.q_proj"


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
    wanted = 5 if re.match(rf"(.*\.)?({key})$", PATH) else 1
    assert Pattern("rank_pattern", {key: 5}).get(PATH, 1) == wanted


def test_the_first_match_wins() -> None:
    table = {"k_proj": 1, ".*proj": 2, "q_proj": 3}
    assert Pattern("rank_pattern", table).get(PATH, 0) == 2
    assert Pattern("rank_pattern", {}).get(PATH, 7) == Pattern("rank_pattern", None).get(PATH, 7) == 7


@pytest.mark.parametrize(
    "key",
    [
        "(a+)+b", "(a|a)*b", "(a*)*", "(.*){20}x", "(a|aa)+", r"(.*)\1", "(?=a)a", "(?<=a)b", "(?P<x>a)", "a*a*a*a*a*b",
        "a?" * 40 + "a" * 40, "(a|b)" * 30, "(", "[", "a{2,1}", "x" * 500, "(?i)q", "*",
    ],
)  # fmt: skip
def test_dangerous_or_invalid(key: str) -> None:
    with pytest.raises(UserError):
        Pattern("alpha_pattern", {key: 1})


@pytest.mark.parametrize("table", [[], "q_proj", 3, {str(number): 1 for number in range(20_001)}])
def test_no_table(table: object) -> None:
    with pytest.raises(UserError):
        Pattern("rank_pattern", table)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.*+?|()[]{}1,\\^$", max_size=30), st.sampled_from(["a" * MAX_PATH, "ab." * 80, "a.b"]))
def test_whatever_is_accepted_is_fast(key: str, path: str) -> None:
    try:
        pattern = Pattern("rank_pattern", {key: 1})
    except UserError:
        return
    started = time.perf_counter()
    pattern.get(path, None)
    assert time.perf_counter() - started < 3.0


def test_long_paths_are_refused() -> None:
    with pytest.raises(UserError, match="longer than"):
        Pattern("rank_pattern", {"q_proj": 1}).get("a." * MAX_PATH, 1)
