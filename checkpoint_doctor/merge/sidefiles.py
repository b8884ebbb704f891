"""The files beside the weights: what a merged model needs, taken from the side that is right about it.

Only known names are taken, so that optimizer states, adapter files, other weights and stray files stay behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint

MAX_BYTES = 512 << 20

_VOCABULARIES = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model",
    "source.spm", "tekken.json", "tokenizer.model.v3",
)  # fmt: skip
_TOKENIZER = re.compile(
    "|".join(re.escape(name) for name in _VOCABULARIES)
    + r"|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|merges\.txt|bpe\.codes|target\.spm"
    + r"|[^/]+\.tiktoken|tokenizer\.model\.v\d+"
)
_CHAT_TEMPLATE = re.compile(r"chat_template\.(?:jinja|json)|additional_chat_templates/[^/]+\.jinja")
_PROCESSOR = re.compile(r"(?:video_)?preprocessor_config\.json|processor_config\.json|feature_extractor_config\.json")
_GENERATION = re.compile(r"generation_config\.json")
_CODE = re.compile(r"[^/]+\.py")
_LEGAL = re.compile(r"(?:LICEN[CS]E|NOTICE|USE_POLICY|COPYING|THIRD_PARTY_NOTICES)[^/]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SideFile:
    """One file to copy."""

    name: str
    origin: Checkpoint


def choose(adapter: Checkpoint, base: Checkpoint) -> tuple[list[SideFile], list[str], list[str]]:
    """The files to copy, notes and warnings.

    The tokenizer is the adapter's when the run saved a complete one (it may have added tokens), else the base's; a chat
    template comes with it, or from the base when it has none. A processor is the adapter's when it has one.
    """
    notes: list[str] = []
    warnings: list[str] = []
    side = adapter if _has_tokenizer(adapter) else base
    if side is adapter:
        notes.append("the tokenizer is the adapter's")
    elif not _has_tokenizer(base):
        warnings.append("neither the adapter nor the base has a complete tokenizer; the merged model has none")
    found = {name: side for name in _matching(side, _TOKENIZER)}
    template_side = side if _has_template(side) else base
    found.update({name: template_side for name in _matching(template_side, _CHAT_TEMPLATE)})
    processor_side = adapter if any(_matching(adapter, _PROCESSOR)) else base
    if processor_side is adapter:
        notes.append("the processor is the adapter's")
    found.update({name: processor_side for name in _matching(processor_side, _PROCESSOR)})
    generation_side = base if "generation_config.json" in base.files else adapter
    found.update({name: generation_side for name in _matching(generation_side, _GENERATION)})
    found.update({name: base for name in _matching(base, _LEGAL)})
    for origin in (adapter, base):  # the base's code wins: it is what its config.json names
        if _names_code(origin):
            found.update({name: origin for name in _matching(origin, _CODE)})
    chosen = [SideFile(name, origin) for name, origin in sorted(found.items())]
    for file in list(chosen):
        info = file.origin.files[file.name]
        if not info.followed or info.size > MAX_BYTES:
            chosen.remove(file)
            why = "larger than its name allows" if info.followed else "a link out of its directory, or no plain file"
            warnings.append(f"{file.name} of {file.origin.name} was left out: it is {why}")
    return chosen, notes, warnings


def _matching(origin: Checkpoint, pattern: re.Pattern[str]) -> Iterable[str]:
    return [name for name in origin.files if pattern.fullmatch(name)]


def _has_tokenizer(origin: Checkpoint) -> bool:
    names = origin.files
    whole = any(name in names for name in _VOCABULARIES) or any(name.endswith(".tiktoken") for name in names)
    return whole and ("tokenizer_config.json" in names or "tokenizer.json" in names)


def _has_template(origin: Checkpoint) -> bool:
    return any(_matching(origin, _CHAT_TEMPLATE)) or "chat_template" in _json(origin, "tokenizer_config.json")


def _names_code(origin: Checkpoint) -> bool:
    """Whether any of its JSON files has an auto_map, which names Python files that the model needs."""
    files = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
    return any("auto_map" in _json(origin, file) for file in files)


def _json(origin: Checkpoint, file: str) -> dict[str, Any]:
    try:
        return origin.object(file)
    except FactUnavailable:
        return {}
