"""A model_type that neither transformers nor the directory's own code defines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, listed, model_types, namesakes, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if model_types.owner(ckpt) != "nobody":
        return
    config = ckpt.config
    name = str(config["model_type"])
    close = model_types.similar(name)
    hint = f"; did you mean {listed(close)}?" if close else ""
    yield Problem(f'model type "{printable(name)}" is not known{hint}', "/model_type", fix=_fix(config, name, close))


def _fix(config: dict[str, Any], name: str, close: list[str]) -> Fix | None:
    architecture = model_types.first_architecture(config)
    types = namesakes(architecture)
    if len(types) != 1:
        return None
    edit = Edit("set", "config.json", "/model_type", name, types[0])
    title = f'set "model_type" to "{types[0]}", the type of {architecture}'
    return Fix(title, "safe" if types[0] in close else "unsafe", (edit,))
