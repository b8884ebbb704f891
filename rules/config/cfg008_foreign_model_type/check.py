"""Two keys, two models."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, builders, knowledge, listed, namesakes, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name, architectures = config.get("model_type"), config.get("architectures")
    architecture = architectures[0] if isinstance(architectures, list) and architectures else None
    if not isinstance(name, str) or not isinstance(architecture, str) or config.get("auto_map"):
        return
    types = builders(architecture)
    row = knowledge.find("model_type", name)
    # Two types of one configuration class are one model: EvollaModel is what 4.57 wrote for evolla.
    if types and row and name not in types and not any(_config(other) == row["config"] for other in types):
        owners = listed(namesakes(architecture))
        message = f"model_type is {name}, but {printable(architecture)} is the class of {owners}"
        yield Problem(message, "/model_type")


def _config(name: str) -> str:
    row = knowledge.find("model_type", name)
    return str(row["config"]) if row else ""
