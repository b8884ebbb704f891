"""What is read out of the source of a configuration module; the whole table is held against imports in tests/proofs."""

from __future__ import annotations

import ast
from typing import Any

from checkpoint_doctor.knowledge.build.configs.classes import classes
from checkpoint_doctor.knowledge.build.configs.pack import pack_rows
from checkpoint_doctor.knowledge.build.intervals import merge
from checkpoint_doctor.knowledge.configs import parts

OLD = """
class XConfig(PretrainedConfig):
    model_type = "x"
    attribute_map = {"hidden_size": "d_model"}
    sub_configs = {"vision_config": AutoConfig, "text_config": YConfig}

    def __init__(self, d_model=8, sizes=(1, 2), limit=float("inf"), vision_config=None, *, rope_scaling=None, **kwargs):
        if isinstance(vision_config, dict):
            vision_config["model_type"] = vision_config.get("model_type", "clip_vision_model")
            vision_config = CONFIG_MAPPING[vision_config["model_type"]](**vision_config)
        self.old = kwargs.pop("old_name", None)
        rope_config_validation(self)
        super().__init__(**kwargs)

class Helper:
    pass
"""
NEW = """
Kind = Literal["a", "b"]

@auto_docstring
@strict
class XConfig(PretrainedConfig):
    model_type = "x"
    sub_configs_defaults = {"vision_config": SubConfigSpec(config_class=AutoConfig, model_type="siglip")}
    d_model: int = 8
    head_dim: int | None = None
    kind: Kind = "a"
    eps: float = interval(min=0.0, max=1.0)(default=0.5)
    names: list[str] = field(default_factory=lambda: ["n"])
    note: "str" = "free"
    plan: ClassVar[dict] = {}

    def __post_init__(self, **kwargs):
        if self.head_dim is None:
            self.head_dim = self.d_model // 2
        self.vision_config["hidden_size"] = self.d_model
        super().__post_init__(**kwargs)

    def validate_architecture(self):
        super().validate_architecture()
        half = self.d_model // 2
        if half % 2 != 0:
            raise ValueError(f"{self.d_model} is odd")
        if open("x"):
            raise ValueError("never")
"""


def entries(source: str) -> dict[str, Any]:
    return classes(ast.parse(source))["XConfig"][1]


def test_classes_before_5_4() -> None:
    found = entries(OLD)
    assert found["f:d_model"] == 8 and found["f:sizes"] == [1, 2] and found["f:rope_scaling"] is None
    assert found["f:limit"] == {"$": "float('inf')"}  # JSON has no such number
    assert found["type"] == "x" and found["map"] == {"hidden_size": "d_model"} and found["legacy"] == ["old_name"]
    assert found["s:vision_config"] == ["AutoConfig", "clip_vision_model"] and found["s:text_config"] == ["YConfig"]
    assert found["rope"] == {"check": "keys"} and not any(entry.startswith("t:") for entry in found)


def test_strict_classes() -> None:
    found = entries(NEW)
    assert found["t:d_model"] == "int" and found["t:head_dim"] == "int|None" and found["t:kind"] == "Literal['a','b']"
    assert found["f:eps"] == 0.5 and found["t:eps"] == "float&interval(min=0.0,max=1.0)" and found["f:names"] == ["n"]
    assert "f:note" in found and "t:note" not in found and "f:plan" not in found
    assert found["s:vision_config"] == ["AutoConfig", "siglip", {"set": ["hidden_size"]}]
    # The second condition is none that can be worked out.
    assert found["c:validate_architecture"] == [
        ["super"],
        ["self.d_model // 2 % 2 != 0", "ValueError", "f'{self.d_model} is odd'"],
    ]
    assert "head_dim?" in found["set"]


def test_annotations_that_are_strings_are_not_checked() -> None:
    assert not any(entry.startswith("t:") for entry in entries("from __future__ import annotations\n" + NEW))


def test_rows_are_folded() -> None:
    old, new = entries(OLD), entries(NEW)
    facts = {release: [("config", "XConfig", one)] for release, one in ((45000, old), (50300, old), (50400, new))}
    row = pack_rows(merge(facts))["config", "XConfig"]
    assert row["in"] == 45000 and row["fields"]["d_model"] == 8  # in all of them, of the type that the default has
    assert row["fields"]["head_dim"] == [None, "int|None", 50400]
    assert row["fields"]["rope_scaling"] == [None, None, [45000, 50400]]
    assert parts(row["fields"]["sizes"])[0] == [1, 2]
    assert row["map"] == {"@": [[{"hidden_size": "d_model"}, [45000, 50400]]]}
    assert row["checks"]["validate_architecture"][0] == ["super"]
