"""model_type is absent, null, or config.json is no object; other directories that need none are left alone."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, knowledge, subject_kind

# Directories whose libraries do not read model_type, or where transformers fills it in (timm: is_timm_config_dict).
LIBRARIES_OF_THEIR_OWN = {"timm", "diffusers", "gguf", "keras", "onnx", "adapter-hub", "sentence-transformers"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if subject_kind(ckpt) in LIBRARIES_OF_THEIR_OWN:
        return
    config = ckpt.json("config.json")
    if not isinstance(config, dict):
        yield Problem("config.json is not a JSON object")
        return
    if config.get("model_type") is not None:
        return
    state = "null" if "model_type" in config else "absent"
    yield Problem(f"model_type is {state}", fix=_fix(config, state))


def _fix(config: dict[str, object], state: str) -> Fix | None:
    """The architecture names the type when exactly one type builds it."""
    architectures = config.get("architectures")
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    row = knowledge.find("architecture", name) if isinstance(name, str) else None
    types = row["types"] if row else []
    if len(types) != 1:
        return None
    title = f'set "model_type" to "{types[0]}", the only type that builds {name}'
    edit = Edit("add", "config.json", "/model_type", value=types[0])
    if state == "null":
        edit = Edit("set", "config.json", "/model_type", None, types[0])
    return Fix(title, "safe", (edit,))
