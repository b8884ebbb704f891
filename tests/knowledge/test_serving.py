"""The readers of PEFT, vLLM and SGLang on made-up releases, and the dates that the real table must have."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.knowledge.build import sdist
from checkpoint_doctor.knowledge.build.intervals import NOTE, merge
from checkpoint_doctor.knowledge.build.readers import peft, sglang, vllm, vllm_lora
from checkpoint_doctor.knowledge.build.sources import Sources


def release(folder: Path, files: dict[str, str], package: str = "peft") -> Sources:
    path = folder / f"{package}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return Sources(package, "1.0.0", path)


def facts(reader: Any, sources: Sources) -> dict[tuple[str, str], dict[str, Any]]:
    with sources:
        return {(kind, name): values for kind, name, values in reader.read(sources)}


BASE = """
@dataclass
class PeftConfig(PushToHubMixin):
    peft_type: Optional[str] = field(default=None, metadata={"help": "x"})
    inference_mode: bool = False
"""
LORA = """
import enum
class Init(str, enum.Enum):
    RANDOM = "random"

@dataclass
class LoraConfig(PeftConfig):
    r: int
    init: Init = Init.RANDOM
    ranks: Optional[dict] = field(default_factory=dict)
    few: tuple = field(default_factory=lambda: ("a", "b"))
    later: int = field(default=1, init=False)
    comma: int = field(default=1),
    rest: Other = field(default_factory=Other)
    shared: ClassVar[int] = 3

class NoDataclass(PeftConfig):
    x: int = 1
"""
MAPPING = """
from .tuners import LoraConfig
from .utils import PeftType
PEFT_TYPE_TO_CONFIG_MAPPING: dict[str, type] = {"LORA": LoraConfig, PeftType.OLD: LoraConfig}
"""
TABLES = """
TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING = {"a": ["q"], "b": ["k"], "c": ["v"]}
TRANSFORMERS_MODELS_TO_LNTUNING_TARGET_MODULES_MAPPING = {"a": ["norm"]}
TRANSFORMERS_MODELS_TO_VERA_TARGET_MODULES_MAPPING = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.copy()
TRANSFORMERS_MODELS_TO_VERA_TARGET_MODULES_MAPPING["c"] = ["o"]
TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING = {"a": ["down"]}
"""
FILES = {
    "peft/config.py": BASE,
    "peft/mapping.py": MAPPING,
    "peft/tuners/lora.py": "@dataclass\nclass LoraConfig:\n    stale: int = 1\n",
    "peft/tuners/lora/__init__.py": "",
    "peft/tuners/lora/config.py": LORA,
    "peft/tuners/ln/__init__.py": "register_peft_method(name='ln_tuning', config_cls=LnConfig, model_cls=X)",
    "peft/tuners/ln/config.py": "@dataclass\nclass LnConfig(PeftConfig):\n    pass\n",
    "peft/utils/constants.py": TABLES,
}


def test_peft_fields(tmp_path: Path) -> None:
    found = facts(peft, release(tmp_path, FILES))
    assert found["peft_config", "LoraConfig"] == {
        "peft_type": None,
        "inference_mode": False,
        "r": "$required",
        "init": "random",
        "ranks": {},
        "few": ("a", "b"),
        "comma": "$object",
        "rest": "$object",
    }
    assert ("peft_config", "NoDataclass") not in found
    assert not [name for kind, name in found if kind == NOTE]


def test_peft_types_and_targets(tmp_path: Path) -> None:
    found = facts(peft, release(tmp_path, FILES))
    types = {name: values["config"] for (kind, name), values in found.items() if kind == "peft_type"}
    assert types == {"LORA": "LoraConfig", "OLD": "LoraConfig", "LN_TUNING": "LnConfig"}
    targets = {name: values for (kind, name), values in found.items() if kind == "peft_targets"}
    assert targets == {
        "LORA": {"a": ["q"], "b": ["k"], "c": ["v"]},
        "LN_TUNING": {"a": ["norm"]},
        "VERA": {"base": "LORA", "c": ["o"]},
        "IA3_FEEDFORWARD": {"a": ["down"]},
    }


def test_peft_says_what_it_could_not_read(tmp_path: Path) -> None:
    files = {**FILES, "peft/tuners/ln/config.py": "@dataclass\nclass OtherConfig:\n    x: int = Unknown.NAME\n"}
    files["peft/mapping.py"] = "PEFT_TYPE_TO_CONFIG_MAPPING = table()[0]"
    files["peft/utils/constants.py"] = 'TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING = {"a": unknown}'
    notes = [name for kind, name in facts(peft, release(tmp_path, files)) if kind == NOTE]
    assert notes[:2] == ["LnConfig of LN_TUNING was not found", "OtherConfig.x = Unknown.NAME"]
    assert [note.partition(":")[0] for note in notes[2:]] == [
        "PEFT_TYPE_TO_CONFIG_MAPPING",
        "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING",
    ]


REGISTRY = """
_TEXT_GENERATION_MODELS = {"AForCausalLM": ("a", "A"), **{"BForCausalLM": ("b", "B")}}
_VLLM_MODELS = {**_TEXT_GENERATION_MODELS}
_PREVIOUSLY_SUPPORTED_MODELS = {"OldForCausalLM": "0.9.2", "NeverSeen": "0.1"}
_OTHER_MODELS = {"x": "y"}
"""
HELPER = """
@dataclass
class PEFTHelper:
    r: int
    use_dora: bool = field(default=False)
    vllm_extra: int = 1

    def _validate(self):
        error_msg = []
        if self.use_dora:
            error_msg.append("no DoRA")
        if not self._known():
            error_msg.append(f"not {self.init_lora_weights!r} here")
        if self.r > lora_config.max_lora_rank:
            error_msg.append("rank")

    def _known(self):
        return self.init_lora_weights is True
"""
SERVED = {
    "vllm/model_executor/models/registry.py": REGISTRY,
    "vllm/transformers_utils/config.py": "_CONFIG_REGISTRY: dict[str, type] = Lazy(kimi_k2='C', other='D')",
    "vllm/model_executor/layers/quantization/__init__.py": "QuantizationMethods = Literal['awq', 'fp8']",
    "vllm/lora/peft_helper.py": HELPER,
    "vllm/config/lora.py": "MaxLoRARanks = Literal[8, 16]\nclass LoRAConfig:\n    max_lora_rank: MaxLoRARanks = 16\n",
}


def test_vllm(tmp_path: Path) -> None:
    found = facts(vllm, release(tmp_path, SERVED, "vllm"))
    assert sorted(found) == [
        ("vllm_architecture", "AForCausalLM"),
        ("vllm_architecture", "BForCausalLM"),
        ("vllm_config_type", "kimi_k2"),
        ("vllm_config_type", "other"),
        ("vllm_quantization", "awq"),
        ("vllm_quantization", "fp8"),
        ("vllm_removed", "NeverSeen"),
        ("vllm_removed", "OldForCausalLM"),
    ]
    limits = facts(vllm_lora, release(tmp_path, SERVED, "vllm"))
    assert {name: values for (_, name), values in limits.items()} == {
        "max_lora_rank": {"default": 16, "ranks": [8, 16]},
        "keys": {"value": ["r", "use_dora"]},
        "refused:use_dora": {"message": "no DoRA"},
        "refused:init_lora_weights": {"message": "not … here"},
    }


def test_vllm_older_forms(tmp_path: Path) -> None:
    files = {
        "vllm/model_executor/models/__init__.py": '_MODELS = {"AForCausalLM": ("a", "A")}\n_ROCM_MODELS = []',
        "vllm/transformers_utils/config.py": '_CONFIG_REGISTRY = {"mpt": MPT, **{"yi": Yi}}',
        "vllm/model_executor/layers/quantization/__init__.py": '_QUANTIZATION_CONFIG_REGISTRY = {"awq": AWQConfig}',
        "vllm/config.py": "class LoRAConfig:\n    def f(self):\n        possible_max_ranks = (8, 16)",
        "vllm/engine/arg_utils.py": "class EngineArgs:\n    max_lora_rank: int = 16",
    }
    found = facts(vllm, release(tmp_path, files, "vllm"))
    assert {name for _, name in found} == {"AForCausalLM", "mpt", "yi", "awq"}
    limits = facts(vllm_lora, release(tmp_path, files, "vllm"))
    assert limits == {("vllm_limit", "max_lora_rank"): {"default": 16, "ranks": [8, 16]}}


def test_vllm_last_release_goes_to_the_row() -> None:
    old = [("vllm_architecture", "Old", {}), ("vllm_architecture", "A", {})]
    new = [("vllm_architecture", "A", {}), ("vllm_removed", "Old", {"last": "0.9.2"})]
    packed = vllm.pack(merge({900: old, 1000: new}))
    assert packed == {
        ("vllm_architecture", "A"): {"in": 900},
        ("vllm_architecture", "Old"): {"in": [900, 1000], "last": "0.9.2"},
    }


def test_tables_that_have_moved_are_noted(tmp_path: Path) -> None:
    assert len([one for one in facts(vllm, release(tmp_path, {}, "vllm")) if one[0] == NOTE]) == 3
    assert [one[0] for one in facts(sglang, release(tmp_path, {}, "sglang"))] == [NOTE]


def test_sglang(tmp_path: Path) -> None:
    files = {
        "sglang/srt/models/a.py": "class A: pass\nEntryClass = A",
        "sglang/srt/models/b.py": "EntryClass = [B, C]\nEntryClass += [D]",
        "sglang/srt/models/none.py": "x = 1",
        "sglang/srt/models/odd.py": "EntryClass = make()",
    }
    found = facts(sglang, release(tmp_path, files, "sglang"))
    assert list(found) == [(NOTE, "EntryClass of sglang/srt/models/odd.py")] + [
        ("sglang_architecture", name) for name in "ABCD"
    ]


def test_sources_are_packed_the_same_way_each_time(tmp_path: Path) -> None:
    root = tmp_path / "vllm-1.0"
    for name in ("PKG-INFO", "setup.py", "vllm/a.py", "vllm/b/c.py", "vllm/d.cu"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    one = sdist._zipped(root, tmp_path / "one.whl", ("vllm/",)).read_bytes()
    two = sdist._zipped(root, tmp_path / "two.whl", ("vllm/",)).read_bytes()
    assert one == two
    with zipfile.ZipFile(tmp_path / "one.whl") as archive:
        assert archive.namelist() == ["PKG-INFO", "vllm/a.py", "vllm/b/c.py"]
    with pytest.raises(UserError, match="no modules"):
        sdist._zipped(root, tmp_path / "three.whl", ("moved/",))


@pytest.mark.parametrize(
    ("kind", "name", "releases"),
    [
        ("vllm_architecture", "LlamaForCausalLM", ">=0.2.7"),
        ("vllm_architecture", "MllamaForConditionalGeneration", ">=0.7.0,<0.11.0"),
        ("vllm_architecture", "ArcticForCausalLM", ">=0.5.0,<0.29.0"),
        ("vllm_limit", "refused:use_dora", ">=0.7.0"),
        ("vllm_limit", "refused:layer_replication", ">=0.32.0"),
        ("sglang_architecture", "LlavaMistralForCausalLM", ">=0.4.0"),
    ],
)
def test_known_dates(kind: str, name: str, releases: str) -> None:
    assert str(lookup.since(kind, name)) == releases


def test_known_limits() -> None:
    mllama = lookup.find("vllm_architecture", "MllamaForConditionalGeneration")
    assert mllama is not None
    assert mllama["last"] == "0.10.2"
    assert lookup.since("vllm_architecture", "LlavaMistralForCausalLM") is None
    rank = lookup.find("vllm_limit", "max_lora_rank")
    assert rank is not None
    assert lookup.at(rank["default"], pack("0.6.0")) == 16
    assert lookup.at(rank["ranks"], pack("0.11.0"))[-1] == 512
    assert lookup.knows("vllm_config_type", "kimi_k2")
    pins = lookup.find("pin", "sglang:transformers")
    assert pins is not None
    assert lookup.at(pins["value"], pack("0.5.23")) == "==5.19.0"
