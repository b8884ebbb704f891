"""What LoraConfig and the LoRA layers refuse."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, knowledge, pointer, printable

# Key, in words what it must be, and the value that null means.
NUMBERS = {"r": "a whole number above 0", "lora_alpha": "a number other than 0", "lora_dropout": "a number from 0 to 1"}
MEANT = {"true": True, "false": False, "none": "none"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not adapter.is_lora:
        return
    config = adapter.config
    for key, must in NUMBERS.items():
        if key in config and not _usable(key, config[key]):
            yield _wrong(config, key, must, _number(key, config[key]))
    if "bias" in config and config["bias"] not in ("none", "all", "lora_only"):
        yield _wrong(config, "bias", '"none", "all" or "lora_only"', "none" if config["bias"] is None else None)
    init = config.get("init_lora_weights")
    if isinstance(init, (int, float)) and not isinstance(init, bool):
        yield _wrong(config, "init_lora_weights", "true, false or the name of a method", None)
    elif isinstance(init, str) and init.lower() in ("true", "false"):
        yield _wrong(config, "init_lora_weights", "true, false or the name of a method", MEANT[init.lower()])
    elif isinstance(init, str) and not _is_method(init) and not _is_newer(config):
        yield _wrong(config, "init_lora_weights", "the name of a method that PEFT knows", None)
    for key, of in (("rank_pattern", "r"), ("alpha_pattern", "lora_alpha")):
        table = config.get(key, {})
        if not isinstance(table, dict):
            yield _wrong(config, key, "an object of module names and numbers", None if table else {})
            continue
        for name, value in table.items():
            if not _usable(of, value):
                yield Problem(
                    f"{key} gives {printable(name, 60)} {_shown(value)}, not {NUMBERS[of]}", pointer(key, name)
                )
    for key, message in _combinations(config):
        yield Problem(message, pointer(key))


def _is_method(name: str) -> bool:
    return knowledge.find("peft_behaviour", f"init_lora_weights:{name.lower().partition('_niter_')[0]}") is not None


def _is_newer(config: dict[str, Any]) -> bool:
    """Whether a PEFT that is newer than the table wrote the file."""
    writer = config.get("peft_version")
    return isinstance(writer, str) and knowledge.release(writer) > knowledge.release(knowledge.newest("peft"))


def _combinations(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    target, init = config.get("target_modules"), config.get("init_lora_weights", True)
    if target is not None and not target and not config.get("target_parameters"):
        yield "target_modules", "target_modules is empty and there are no target_parameters"
    for key in ("layers_to_transform", "layers_pattern"):
        if isinstance(target, str) and config.get(key) is not None:
            yield key, f"{key} cannot be used when target_modules is a text"
    if config.get("layers_pattern") and config.get("layers_to_transform") is None:
        yield "layers_pattern", "layers_pattern needs layers_to_transform"
    if config.get("use_dora") and config.get("megatron_config"):
        yield "use_dora", "use_dora cannot be used with megatron_config"
    if config.get("lora_bias") and (config.get("use_dora") or init not in (True, False)):
        yield "lora_bias", "lora_bias cannot be used with use_dora or with a special init_lora_weights"
    if isinstance(config.get("target_parameters"), str):
        yield "target_parameters", "target_parameters is a text, not a list"
    if init == "loftq" and not config.get("loftq_config"):
        yield "init_lora_weights", "init_lora_weights is loftq, but there is no loftq_config"


def _usable(key: str, value: Any) -> bool:
    if key == "r":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if not isinstance(value, (int, float)) or not abs(value) < 1e308:  # isfinite() raises for huge integers
        return False
    return value != 0 if key == "lora_alpha" else value <= 1


def _number(key: str, value: Any) -> int | float | None:
    """The number that was meant, when one reading is left."""
    if value is None:
        return 0.0 if key == "lora_dropout" else None  # dropout does nothing outside training
    try:
        number = float(value) if isinstance(value, (str, float)) and len(str(value)) < 20 else math.nan
    except ValueError:
        return None
    whole = int(number) if number.is_integer() else number
    return whole if _usable(key, whole) else None


def _wrong(config: dict[str, Any], key: str, must: str, meant: Any) -> Problem:
    fix = None
    if meant is not None:
        edit = Edit("set", "adapter_config.json", pointer(key), config[key], meant)
        fix = Fix(f"set {key} to {json.dumps(meant)}", "safe", (edit,))
    return Problem(f"{key} is {_shown(config[key])}, not {must}", pointer(key), fix=fix)


def _shown(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False), 60)
