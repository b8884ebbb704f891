"""Rank and scale of one adapted module, by PEFT's rules (peft/tuners/lora/layer.py::update_layer)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.patterns import Pattern

# LoraConfig's own defaults, for files that leave them out.
DEFAULT_R = 8
DEFAULT_ALPHA = 8


class Scaling:
    """Answers rank and scale for module paths (without `base_model.model.`), the longest of `longest` characters."""

    def __init__(self, config: Mapping[str, Any], longest: int) -> None:
        self._r = config.get("r", DEFAULT_R)
        self._alpha = config.get("lora_alpha", DEFAULT_ALPHA)
        self._rslora = config.get("use_rslora", False) is True
        self._ranks = Pattern("rank_pattern", config.get("rank_pattern"), longest)
        self._alphas = Pattern("alpha_pattern", config.get("alpha_pattern"), longest)

    def rank(self, path: str) -> int:
        """The module's r; raises UserError when it is no positive integer."""
        value = self._ranks.get(path, self._r)
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise UserError(
                f"the rank of {printable(path)} in adapter_config.json is {printable(str(value), 40)}, not above 0"
            )
        return value

    def scale(self, path: str) -> float:
        """alpha / r, or alpha / sqrt(r) with use_rslora; raises UserError when it is not finite."""
        alpha = self._alphas.get(path, self._alpha)
        rank = self.rank(path)
        if not isinstance(alpha, bool) and isinstance(alpha, (int, float)) and abs(alpha) < 1e30:
            return alpha / math.sqrt(rank) if self._rslora else alpha / rank
        raise UserError(
            f"the alpha of {printable(path)} in adapter_config.json is {printable(str(alpha), 40)}, not a usable number"
        )
