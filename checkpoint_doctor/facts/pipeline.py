"""A diffusers pipeline: its components as model_index.json names them, each in a folder of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.printable import printable

if TYPE_CHECKING:
    from checkpoint_doctor.facts.checkpoint import Checkpoint

INDEX_FILE = "model_index.json"
MAX_COMPONENTS = 24
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}", re.ASCII)


class Component(NamedTuple):
    """One part of a pipeline.

    Attributes:
        name: the key in model_index.json, which is also the folder.
        library: "transformers", "diffusers" or a module of the pipeline's own.
        cls: the class, which is looked up in the library by its name.
        present: the folder is there, as itself and not as a link.
    """

    name: str
    library: str
    cls: str
    present: bool


def pipeline_class(ckpt: Checkpoint) -> str:
    """The pipeline's class as model_index.json has it, "" when it has none or cannot be read."""
    try:
        value = ckpt.object(INDEX_FILE).get("_class_name")
    except FactUnavailable:
        return ""
    return printable(value, 60) if isinstance(value, str) else ""


def components(ckpt: Checkpoint) -> tuple[Component, ...]:
    """The parts that a pipeline really has, in the file's order; entries that are null or no pair of names are none.

    Raises:
        FactUnavailable: model_index.json cannot be read, or names more parts than any pipeline has.
    """
    found = []
    for name, value in ckpt.object(INDEX_FILE).items():
        if not _NAME.fullmatch(name) or not isinstance(value, list) or len(value) != 2:
            continue
        library, cls = value
        if isinstance(library, str) and isinstance(cls, str) and _NAME.fullmatch(cls):
            present = any(file.startswith(f"{name}/") for file in ckpt.files)
            found.append(Component(name, library, cls, present))
    if len(found) > MAX_COMPONENTS:
        raise FactUnavailable(f"{INDEX_FILE} names more than {MAX_COMPONENTS} components")
    return tuple(found)
