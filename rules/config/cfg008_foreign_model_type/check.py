"""Two keys, two models."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, builders, knowledge, listed, model_types, namesakes, printable

# What is behind the name of the whole in the type of a part that is saved on its own.
PARTS = {"text", "vision", "audio", "video", "model"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name, architecture = config.get("model_type"), model_types.first_architecture(config)
    if not isinstance(name, str) or config.get("auto_map"):
        return
    types, configs = builders(architecture), _configs(name)
    if not types or not configs or name in types:
        return
    if any(configs & _configs(other) for other in types):
        return  # two names of one model: EvollaModel and evolla
    if not architecture.endswith("ForConditionalGeneration") and any(_is_part(name, other) for other in types):
        return  # MllamaForCausalLM saves its own part of mllama, mllama_text_model
    owners = listed(namesakes(architecture))
    message = f"model_type is {name}, but {printable(architecture)} is the class of {owners}"
    yield Problem(message, "/model_type")


def _configs(name: str) -> set[str]:
    """The configuration classes that a type has had."""
    row = knowledge.find("model_type", name)
    return {str(one) for one, _ in knowledge.over_time(row["config"])} if row else set()


def _is_part(name: str, whole: str) -> bool:
    rest = name.removeprefix(f"{whole}_")
    return rest != name and set(rest.split("_")) <= PARTS
