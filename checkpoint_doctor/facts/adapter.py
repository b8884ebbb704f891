"""A PEFT adapter as its files describe it: config, tensors, and the tensors grouped by module."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import FactUnavailable

if TYPE_CHECKING:
    from checkpoint_doctor.facts.checkpoint import Checkpoint

CONFIG_FILE = "adapter_config.json"
# peft/utils/save_and_load.py::load_peft_weights: safetensors first, then bin; nothing else is tried locally.
WEIGHT_FILES = ("adapter_model.safetensors", "adapter_model.bin")
PREFIX = "base_model.model."

_WRAPPERS = re.compile(r"(?:module\.|_orig_mod\.)*")
_FACTOR = re.compile(
    r"(?P<module>.+)\.(?P<factor>lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)"
    r"(?:\.(?P<adapter>[^.]+?))??(?P<leaf>\.weight|\.bias)?\Z"
)


@dataclass(frozen=True, slots=True)
class FactorName:
    """A tensor name of a LoRA factor, taken apart.

    Attributes:
        module: everything before the factor, wrappers and `base_model.model.` included.
        factor: "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B" or "lora_magnitude_vector".
        adapter: the adapter's name if it was left in, else "".
        leaf: ".weight", ".bias" or "".
    """

    module: str
    factor: str
    adapter: str
    leaf: str

    @classmethod
    def of(cls, name: str) -> FactorName | None:
        """Take a tensor name apart; None when it is no LoRA factor."""
        match = _FACTOR.match(name)
        return cls(match["module"], match["factor"], match["adapter"] or "", match["leaf"] or "") if match else None


@dataclass(frozen=True, slots=True)
class LoraModule:
    """The tensors of one adapted module.

    Attributes:
        path: the module path inside the base model, without `base_model.model.`.
        factors: "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector", "lora_B.bias".
    """

    path: str
    factors: Mapping[str, TensorInfo] = field(default_factory=dict)


class Adapter:
    """The adapter part of a directory; exists when it holds adapter_config.json or adapter weights."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    @property
    def config_file(self) -> str | None:
        """adapter_config.json when it is there."""
        return CONFIG_FILE if CONFIG_FILE in self._checkpoint.files else None

    @property
    def weights_file(self) -> str | None:
        """The file that PEFT would load."""
        return next((name for name in WEIGHT_FILES if name in self._checkpoint.files), None)

    @cached_property
    def config(self) -> dict[str, Any]:
        """adapter_config.json; raises FactUnavailable when it is missing, invalid or no object."""
        value = self._checkpoint.json(CONFIG_FILE)
        if not isinstance(value, dict):
            raise FactUnavailable(f"{CONFIG_FILE} is not a JSON object")
        return value

    @property
    def library(self) -> str:
        """Whose adapter_config.json this is: "PEFT", or "MLX" or "AdapterHub", whose files PEFT does not read.

        Raises FactUnavailable when the config is missing or cannot be read.
        """
        config = self.config
        if "peft_type" in config:
            return "PEFT"
        # mlx_lm/tuner/utils.py writes the arguments of its run; adapters/configuration writes the model's sizes.
        if "fine_tune_type" in config or "lora_parameters" in config or {"adapter_path", "iters"} <= config.keys():
            return "MLX"
        return "AdapterHub" if "config" in config and "hidden_size" in config else "PEFT"

    @property
    def is_lora(self) -> bool:
        """Whether PEFT will load it as plain LoRA; raises FactUnavailable when the config cannot be read."""
        return self.peft_type == "LORA"

    @property
    def peft_type(self) -> str | None:
        """The `peft_type` when it is a string."""
        value = self.config.get("peft_type")
        return value if isinstance(value, str) else None

    @property
    def base_name(self) -> str | None:
        """`base_model_name_or_path` when it is a non-empty string; None too when the config cannot be read."""
        try:
            value = self.config.get("base_model_name_or_path")
        except FactUnavailable:
            return None
        return value if isinstance(value, str) and value else None

    @property
    def names_itself(self) -> bool:
        """Whether `base_model_name_or_path` leads to the adapter's own directory."""
        name, root = self.base_name, self._checkpoint.root
        if not self._checkpoint.looks_outside or not name or "\0" in name or len(name) > 4096:
            return False
        for path in (root / name, Path(name)):
            try:
                if os.path.samefile(path, root):
                    return True
            except (OSError, ValueError):  # ValueError: half a surrogate pair
                continue
        return False

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Name to tensor; raises FactUnavailable when there is no weight file or it cannot be read."""
        if self.weights_file is None:
            raise FactUnavailable("the adapter has no weight file")
        return self._checkpoint.tensors_of(self.weights_file)

    @cached_property
    def modules(self) -> Mapping[str, LoraModule]:
        """Module path to its LoRA factors; `.default.` inside names and wrapper prefixes are seen through."""
        found: dict[str, dict[str, TensorInfo]] = {}
        for name, tensor in self.tensors.items():
            parts = FactorName.of(name)
            if parts is None:
                continue
            factor = parts.factor + (".bias" if parts.leaf == ".bias" else "")
            found.setdefault(strip_prefix(parts.module), {})[factor] = tensor
        return {path: LoraModule(path, factors) for path, factors in found.items()}


def strip_prefix(name: str) -> str:
    """A tensor or module name as the base model spells it: without wrappers and `base_model.model.`."""
    found = _WRAPPERS.match(name)
    name = name[found.end() :] if found else name
    return name[len(PREFIX) :] if name.startswith(PREFIX) else name
