"""A byte-level tokenizer.json under the name of Llama's tokenizer, which 5.x built anew with SentencePiece's rules.

Run on every release of 5.x with a byte-level tokenizer and eleven model types (models/auto/tokenization_auto.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

CONFIG, FILE = "tokenizer_config.json", "tokenizer.json"
LLAMA = ("LlamaTokenizer", "LlamaTokenizerFast")
BY_TYPE = VersionSet((50300, 50600))  # where the model type has no tokenizer of its own
ALWAYS = VersionSet((50600, 50700))
BY_NAME = VersionSet((50700, 52200))  # where that is not the general one, nor the declared one ignored
CODE_LLAMA = VersionSet((50000, 50600))  # what a Llama without tokenizer_class got
MAX_PARTS = 100


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "byte-level-llama"."""
    name = ckpt.model_type
    if not ckpt.has(CONFIG) or not ckpt.has(FILE) or name is None or lookup.find("model_type", name) is None:
        return
    config = ckpt.object(CONFIG)
    declared = config.get("tokenizer_class")
    if "auto_map" in config or not (declared in LLAMA or (declared is None and name == "llama")):
        return
    wrong = _wrong(name) if declared is not None else CODE_LLAMA
    if not _byte_level(ckpt.object(FILE)):
        return
    what = f"tokenizer_class {declared}" if declared is not None else "no tokenizer_class"
    reason = f"byte-level {FILE} with {what} and model_type {printable(name)} is read as Llama 2's by {wrong}"
    happens = "the tokenizer loads without a word, loses the spaces of the text and gives other tokens"
    place = (CONFIG, "/tokenizer_class" if declared is not None else "")
    yield Constraint("transformers", ANY - wrong, "byte-level-llama", reason, *place, outcome="wrong", happens=happens)


def _wrong(model_type: str) -> VersionSet:
    """The releases that build LlamaTokenizer for a type."""
    mapped = lookup.since("tokenizer_map", model_type) or VersionSet(())
    ignored = lookup.since("hub_tokenizer_ignored", model_type) or VersionSet(())
    general = VersionSet(())
    row = lookup.find("tokenizer_map", model_type) or {}
    for name, when in lookup.over_time(row.get("name")):
        if name in ("TokenizersBackend", "MistralCommonBackend"):
            general |= when or mapped
    return (BY_TYPE - mapped) | ALWAYS | (BY_NAME - general - ignored)


def _byte_level(document: dict[str, Any]) -> bool:
    waiting = [document.get("pre_tokenizer"), document.get("decoder")]
    for _ in range(MAX_PARTS):
        if not waiting:
            break
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("type") == "ByteLevel":
                return True
            for inner in (part.get("pretokenizers"), part.get("decoders")):
                waiting += inner[:MAX_PARTS] if isinstance(inner, list) else []
    return False
