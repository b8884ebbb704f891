"""The kinds of rows in the knowledge table: whose they are and what they hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row.

    Attributes:
        package: the distribution whose releases the row's "in" counts.
        title: what a name of this kind is, for people.
        holds: the other keys of the row.
    """

    package: str
    title: str
    holds: str = ""


KINDS = {
    "architecture": Kind("transformers", "model class", "types: the model types that an auto class builds it for"),
    "model_type": Kind("transformers", "model type", "config: the configuration class"),
    "peft_type": Kind("peft", "adapter method"),
    "release": Kind("", "package", "all: its releases; yanked: those that were withdrawn"),
    "remote_type": Kind("", "model type of remote code", "loads: what loads it"),
}
