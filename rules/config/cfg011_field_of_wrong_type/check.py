"""JSON types that the strict config classes of transformers 5 refuse; the fields are uniform over all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, knowledge, pointer, printable

WHOLE = {
    "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "max_position_embeddings", "head_dim",
    "num_attention_heads", "num_key_value_heads", "sliding_window", "type_vocab_size", "d_model", "num_experts",
    "num_experts_per_tok", "moe_intermediate_size", "pad_token_id", "bos_token_id", "eos_token_id",
}  # fmt: skip
REAL = {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "initializer_range", "init_std"}
TRUTH = {"tie_word_embeddings", "use_cache", "attention_bias", "mlp_bias", "qkv_bias", "scale_embedding"}
KINDS = ((WHOLE, int, "a whole number"), (REAL, float, "a number with a point"), (TRUTH, bool, "true or false"))
NAMES = {"true": True, "false": False, "1": True, "0": False}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name = config.get("model_type")
    if not isinstance(name, str) or not knowledge.knows("model_type", name) or config.get("auto_map") or ckpt.is_llava:
        return
    sections = [name for name in ("text_config", "vision_config", "audio_config") if isinstance(config.get(name), dict)]
    for section in sections:
        yield from _problems(config[section], (section,))
    if not sections:  # the class of a composite model does not have these fields and takes anything under their names
        yield from _problems(config, ())


def _problems(part: dict[str, Any], section: tuple[str, ...]) -> Iterator[Problem]:
    for fields, wanted, words in KINDS:
        for field in sorted(fields & part.keys()):
            value = part[field]
            if value is None or isinstance(value, (dict, list)) or type(value) is wanted:
                continue
            where = pointer(*section, field)
            message = f"{field} is {printable(json.dumps(value), 60)}, which is not {words}"
            yield Problem(message, where, fix=_fix(where, value, wanted))


def _fix(where: str, value: Any, wanted: type) -> Fix | None:
    better: Any = None
    if wanted is bool:
        better = NAMES.get(str(value).lower())
    elif not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        if wanted is float and abs(number) < 1e300:
            better = number
        elif number.is_integer() and abs(number) < 2**53:
            better = int(number)
    if better is None:
        return None
    same = isinstance(value, (int, float)) and not isinstance(value, bool) and wanted is not bool
    edit = Edit("set", "config.json", where, value, better)
    return Fix(f"write {json.dumps(better)}", "safe" if same else "unsafe", (edit,))
