"""The parts of config.json that a configuration class of transformers reads, and which class that is in a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.subject import kind as subject_kind
from checkpoint_doctor.knowledge import configs, lookup
from checkpoint_doctor.versions.model_types import OTHER_LIBRARIES

# Found by building every model type of 5.23.0 with a name that does not exist: these do not look it up in ACT2FN, in
# all of their parts.
_OTHER_ACTIVATIONS = (
    "gpt_oss", "gradium_phonon_tts", "ibert", "inkling2", "kyutai_speech_to_text", "minimax_m3_vl", "moshi", "neomme",
    "pocket_tts", "qwen4_exp", "sam3", "step3p7",
)  # fmt: skip


class Section(NamedTuple):
    """One object of config.json.

    Attributes:
        values: what stands there.
        path: the keys that lead to it.
        model_type: the one of the whole file.
        known: the releases that know it.
    """

    values: dict[str, Any]
    path: tuple[str, ...]
    model_type: str
    known: VersionSet

    def pointer(self, *keys: str) -> str:
        """The JSON pointer of a value in it."""
        return "".join(f"/{key}" for key in (*self.path, *keys))

    def config_class(self, release: int) -> str:
        """The class that reads the object in a release, "" when that cannot be told."""
        cls = configs.config_class(self.model_type, release)
        if cls is None or not self.path:
            return cls or ""
        sub = configs.sub_configs(cls, release).get(self.path[0])
        if sub is None or sub.config:
            return sub.config if sub else ""
        inner = self.values.get("model_type", sub.model_type)
        return (configs.config_class(inner, release) if isinstance(inner, str) else None) or ""

    def releases(self, first: int = 0, before: int | None = None) -> tuple[int, ...]:
        """The releases of transformers that know the model type, within bounds, oldest first."""
        window = self.known & VersionSet((first,) if before is None else (first, before))
        return window.among(lookup.releases("transformers"))


def sections(ckpt: Checkpoint) -> Iterator[Section]:
    """config.json and the nested configs in it that transformers' own classes read; none of what other code reads.

    Raises:
        FactUnavailable: config.json cannot be read.
    """
    config = ckpt.config
    name = config.get("model_type")
    known = lookup.since("model_type", name) if isinstance(name, str) else None
    if known is None or config.get("auto_map") or ckpt.is_llava or subject_kind(ckpt) in OTHER_LIBRARIES:
        return
    yield Section(config, (), str(name), known)
    for key, value in config.items():
        if key.endswith("_config") and isinstance(value, dict) and key.isidentifier():
            yield Section(value, (key,), str(name), known)


def activations(ckpt: Checkpoint) -> Iterator[tuple[Section, str, str]]:
    """Each section that names an activation function, with the field and the name.

    Raises:
        FactUnavailable: config.json cannot be read.
    """
    for section in sections(ckpt):
        if not section.model_type.startswith(_OTHER_ACTIVATIONS):
            for field in ("hidden_act", "hidden_activation", "activation_function"):
                if isinstance(name := section.values.get(field), str):
                    yield section, field, name
