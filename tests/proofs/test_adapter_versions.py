"""What the PEFT at hand really does with adapters of other releases. Seen with PEFT 0.21.2.

What older releases do was seen by hand; the pages of ADP030 to ADP036 say with which.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TOKENS = torch.arange(3, 12)[None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(peft.__version__ < "0.19", reason="seen with newer releases of PEFT"),
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import kit

    folder = tmp_path_factory.mktemp("base")
    kit.llama(folder, attention_bias=True)
    shapes = {name: shape for name, shape in kit.llama_shapes().items()}
    for module in ("q_proj", "k_proj", "v_proj", "o_proj"):
        shapes[f"model.layers.0.self_attn.{module}.bias"] = (16,)
    kit.safetensors(folder / "model.safetensors", shapes)
    return folder


def effect(adapter: Path, base: Path) -> float:
    """The largest change of the logits."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base).float().eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        before = model(TOKENS).logits
        adapted = peft.PeftModel.from_pretrained(model, str(adapter)).eval()
        return float((adapted(TOKENS).logits - before).abs().max())


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("ADP004/bad_bone", KeyError),
        ("ADP023/bad_unknown_initialisation", ValueError),
        ("ADP034/bad_first", ValueError),
        ("ADP038/bad_null", ValueError),
        ("ADP038/bad_absent", ValueError),
    ],
)
def test_refused(case: str, error: type[Exception], llama: Path) -> None:
    with pytest.raises(error):
        effect(FIXTURES / case / "given", llama)


@pytest.mark.parametrize("case", ["ADP030/bad_all_fields", "ADP030/bad_old_fields"])
def test_removed_keys_said_nothing(case: str, llama: Path, tmp_path: Path) -> None:
    """A PEFT that has the keys makes the same of both files."""
    fixed = shutil.copytree(FIXTURES / case / "given", tmp_path / "fixed")
    shutil.copytree(FIXTURES / case / "fixed", fixed, dirs_exist_ok=True)
    assert (
        json.loads((fixed / "adapter_config.json").read_text()).keys()
        < json.loads((FIXTURES / case / "given" / "adapter_config.json").read_text()).keys()
    )
    assert effect(fixed, llama) == effect(FIXTURES / case / "given", llama) > 0


def test_old_bias_names_are_left_out(llama: Path) -> None:
    """The old names change no more than the factors alone, the new ones do."""
    without = effect(FIXTURES / "ADP031" / "good_everything" / "given", llama)
    assert without > 0
    old = effect(FIXTURES / "ADP033" / "bad_old_names" / "given", llama)
    new = effect(FIXTURES / "ADP033" / "good_new_names" / "given", llama)
    plain = effect(FIXTURES / "ADP030" / "good_known" / "given", llama)
    assert old == plain != new


def test_oft_of_the_second_generation_has_no_effect(llama: Path) -> None:
    assert effect(FIXTURES / "ADP034" / "bad_second" / "given", llama) == 0
    assert effect(FIXTURES / "ADP034" / "good_third" / "given", llama) > 0
