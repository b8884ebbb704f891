"""What the installed transformers does with the directories of VER001 and VER003."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
transformers = pytest.importorskip("transformers")

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def test_whatever_is_installed_refuses_one_of_the_two() -> None:
    """4.57.6 refuses the tokenizer, 5.23.0 the model type."""
    folder = FIXTURES / "VER001" / "bad_removed_type_new_tokenizer" / "given"
    with pytest.raises(ValueError, match=r"is not currently imported|does not recognize this"):
        transformers.AutoConfig.from_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("case", ["VER001/good_new_tokenizer", "VER003/bad_older_part", "VER002/good_local_build"])
def test_the_near_misses_load(case: str) -> None:
    folder = FIXTURES / case / "given"
    if int(transformers.__version__.split(".")[0]) >= 5:
        transformers.AutoConfig.from_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(folder)
