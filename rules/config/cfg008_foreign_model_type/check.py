"""Two keys, two models."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, builders, knowledge, listed, namesakes, printable

# What is behind the name of the whole in the type of a part that is saved on its own.
PARTS = {"text", "vision", "audio", "video", "model"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name, architectures = config.get("model_type"), config.get("architectures")
    architecture = architectures[0] if isinstance(architectures, list) and architectures else None
    if not isinstance(name, str) or not isinstance(architecture, str) or config.get("auto_map"):
        return
    types, row = builders(architecture), knowledge.find("model_type", name)
    if not types or row is None or name in types:
        return
    if any(_config(other) == row["config"] for other in types):
        return  # two names of one model: EvollaModel and evolla
    if not architecture.endswith("ForConditionalGeneration") and any(_is_part(name, other) for other in types):
        return  # MllamaForCausalLM saves its own part of mllama, mllama_text_model
    owners = listed(namesakes(architecture))
    message = f"model_type is {name}, but {printable(architecture)} is the class of {owners}"
    yield Problem(message, "/model_type")


def _config(name: str) -> str:
    row = knowledge.find("model_type", name)
    return str(row["config"]) if row else ""


def _is_part(name: str, whole: str) -> bool:
    return name.startswith(f"{whole}_") and PARTS.issuperset(name[len(whole) + 1 :].split("_"))
