"""model_type is absent, null, or config.json is no object; other directories that need none are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, namesakes, subject_kind

# Directories whose libraries do not read model_type, or where transformers fills it in (timm: is_timm_config_dict).
LIBRARIES_OF_THEIR_OWN = {"timm", "diffusers", "gguf", "keras", "onnx", "adapter-hub", "sentence-transformers"}
WRITTEN_BY_TRANSFORMERS = {"architectures", "transformers_version", "torch_dtype", "_name_or_path"}
COMMON_FIELDS = {
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "hidden_act",
    "max_position_embeddings", "d_model", "n_embd", "n_layer", "n_head",
}  # fmt: skip


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if subject_kind(ckpt) in LIBRARIES_OF_THEIR_OWN or ckpt.has("model.bin"):
        return
    config = ckpt.json("config.json")
    if not isinstance(config, dict):
        yield Problem("config.json is not a JSON object")
        return
    if config.get("model_type") is not None or not _is_meant_for_transformers(config):
        return
    state = "null" if "model_type" in config else "absent"
    yield Problem(f"model_type is {state}", fix=_fix(config, state))


def _is_meant_for_transformers(config: dict[str, Any]) -> bool:
    entries = config.get("auto_map")
    if isinstance(entries, dict) and "AutoConfig" in entries:
        return False  # its own class is used, whatever the type
    marked = not config or "model_type" in config or not WRITTEN_BY_TRANSFORMERS.isdisjoint(config)
    return marked or len(COMMON_FIELDS & config.keys()) >= 3


def _fix(config: dict[str, Any], state: str) -> Fix | None:
    """The architecture names the type when one type is left that it can be."""
    architectures = config.get("architectures")
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    types = namesakes(name) if isinstance(name, str) else []
    if len(types) != 1:
        return None
    title = f'set "model_type" to "{types[0]}", the type of {name}'
    edit = Edit("add", "config.json", "/model_type", value=types[0])
    if state == "null":
        edit = Edit("set", "config.json", "/model_type", None, types[0])
    return Fix(title, "safe", (edit,))
