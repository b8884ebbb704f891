"""An unknown type with an unknown class, or one that remote code has: healthy with that code, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, model_types, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    owner = model_types.owner(ckpt)
    name = f'model type "{printable(str(ckpt.config.get("model_type")))}"'
    if owner == "package":
        architecture = printable(model_types.first_architecture(ckpt.config))
        yield Problem(f"{name} and class {architecture} are not of transformers", "/model_type")
    elif owner == "remote":
        row = knowledge.find("remote_type", str(ckpt.config["model_type"])) or {}
        cure = f"load it with {row['loads']}; if auto_map and .py files were lost, copy them from there"
        if twin := row.get("twin"):
            cure += f"; transformers has the same model as {twin}, in converted repositories"
        message = f"{name} is not of transformers: {row['loads']} has it, and there is no auto_map"
        yield Problem(message, "/model_type", evidence={"cure": cure})
