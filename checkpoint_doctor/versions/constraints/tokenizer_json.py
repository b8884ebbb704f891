"""tokenizer.json: component types, keys and forms that came after its first readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

FILE = "tokenizer.json"
# Where the parts of a sequence are.
INNER = {
    "normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors",
    "decoder": "decoders",
}  # fmt: skip
MAX_PARTS = 1000
# The oldest that any transformers of the table takes.
FIRST = 904
# 0.11.3 took every pre-tokenizer for punctuation; every transformers whose range it is in leaves it out by name.
STRAY = VersionSet.only(1103)
# How a key is said, and what one sees where it is ignored.
SAID = {
    "model.BPE.byte_fallback": ("byte_fallback", "characters that no token holds become <unk>, not bytes"),
    "model.BPE.dropout-zero": ("dropout 0.0", ""),
    "model.BPE.ignore_merges": ("ignore_merges", "words that are tokens of their own are cut into others"),
    "model.BPE.merges-as-pairs": ("merges as pairs", ""),
    "model.Unigram.byte_fallback": ("byte_fallback", "characters that no token holds become <unk>, not bytes"),
    "pre_tokenizer.ByteLevel.use_regex": (
        "use_regex of ByteLevel",
        "the text is cut into words that it was not cut into",
    ),
    "pre_tokenizer.Metaspace.prepend_scheme": ("prepend_scheme", "every piece after an added token gets a space"),
    "pre_tokenizer.Metaspace.split": ("split of Metaspace", "the text is cut at spaces where it was not cut"),
    "truncation.direction": ("truncation on the left", "texts that are too long lose their end"),
}


@dataclass(frozen=True, slots=True)
class Use:
    """Something in the file that not every release reads.

    Attributes:
        kind: of the row in the table.
    """

    kind: str
    name: str
    pointer: str


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "tokenizer-json" where a release refuses the file, "tokenizer-json-key" where it gives other tokens.

    Only what narrows more than the newer things in the same file is said.
    """
    if not ckpt.has(FILE):
        return
    found = [one for use in _uses(ckpt.object(FILE)) if (one := _constraint(use)) is not None]
    left = ANY
    for one in sorted(found, key=lambda one: (-one.allowed.bounds[0], one.outcome != "fails", one.pointer)):
        if left - one.allowed:
            left &= one.allowed
            yield one


def _constraint(use: Use) -> Constraint | None:
    row = lookup.find(use.kind, use.name)
    releases = [release for release in lookup.releases("tokenizers") if release >= FIRST]
    if row is None or not releases:
        return None  # newer than the table, or of no release: not for this to say
    allowed = VersionSet.of(row["in"]) - VersionSet((0, FIRST))
    if 1102 in allowed:
        allowed |= STRAY
    if all(release in allowed for release in releases):
        return None
    said, effect = SAID.get(use.name, ("", ""))
    part, _, component = use.name.partition(".")
    said = said or f"{part} {component.partition('.')[0]}"
    if use.name.endswith("without-add_prefix_space"):
        said = f"{part} Metaspace without add_prefix_space"
    since = f"{printable(said)}, which tokenizers reads since {dotted(_start(allowed))}"
    # What the releases shortly before do: those that refuse every newer file are of no interest.
    before = max((release for release in releases if release not in allowed), default=0)
    refused = lookup.at(row.get("else"), before) != "ignored"
    message = f"Exception: {row.get('message', 'it cannot be read')} at line … column …"
    happens = f"loading the tokenizer raises {message}" if refused else f"the file is read without a word, but {effect}"
    kind, outcome = ("tokenizer-json", "fails") if refused else ("tokenizer-json-key", "wrong")
    return Constraint("tokenizers", allowed, kind, since, FILE, use.pointer, outcome, happens)  # type: ignore[arg-type]


def _start(allowed: VersionSet) -> int:
    """Since when it is read for good."""
    return allowed.bounds[-1] if len(allowed.bounds) % 2 else allowed.bounds[0]


def _uses(document: dict[str, Any]) -> Iterator[Use]:
    yield from _model(document.get("model"))
    truncation = document.get("truncation")
    if isinstance(truncation, dict) and truncation.get("direction") == "Left":
        yield Use("tokenizers_key", "truncation.direction", "/truncation/direction")
    for part, inner in INNER.items():
        for component, pointer in _components(document.get(part), f"/{part}", inner):
            yield from _component(part, component, pointer)


def _components(value: Any, pointer: str, inner: str) -> Iterator[tuple[dict[str, Any], str]]:
    """A component and all that it is a sequence of."""
    waiting = [(value, pointer)]
    seen = 0
    while waiting and seen < MAX_PARTS:
        component, place = waiting.pop(0)
        seen += 1
        if isinstance(component, dict) and isinstance(component.get("type"), str):
            yield component, place
            parts = component.get(inner)
            if component["type"] == "Sequence" and isinstance(parts, list):
                waiting += [(part, f"{place}/{inner}/{number}") for number, part in enumerate(parts[:MAX_PARTS])]


def _component(part: str, component: dict[str, Any], pointer: str) -> Iterator[Use]:
    name = f"{part}.{component['type']}"
    keys = []
    if component["type"] == "Metaspace":
        if "add_prefix_space" not in component:
            keys = ["without-add_prefix_space"]
        elif part == "pre_tokenizer":
            keys = ["prepend_scheme"] if component.get("prepend_scheme") == "first" else []
            keys += ["split"] if component.get("split") is False else []
    elif name == "pre_tokenizer.ByteLevel" and component.get("use_regex") is False:
        keys = ["use_regex"]
    elif name == "pre_tokenizer.Punctuation" and "behavior" in component:
        yield Use("tokenizers_key", f"{name}.behavior", f"{pointer}/behavior")
        return
    yield Use("tokenizers_component", name, f"{pointer}/type")
    for key in keys:
        yield Use("tokenizers_key", f"{name}.{key}", f"{pointer}/{key}" if key in component else pointer)


def _model(model: Any) -> Iterator[Use]:
    if not isinstance(model, dict) or not isinstance(model.get("type"), str):
        return
    kind = model["type"]
    yield Use("tokenizers_component", f"model.{kind}", "/model/type")
    if kind in ("BPE", "Unigram") and model.get("byte_fallback") is True:
        yield Use("tokenizers_key", f"model.{kind}.byte_fallback", "/model/byte_fallback")
    if kind == "BPE":
        merges, dropout = model.get("merges"), model.get("dropout")
        if isinstance(merges, list) and merges and isinstance(merges[0], list):
            yield Use("tokenizers_key", "model.BPE.merges-as-pairs", "/model/merges")
        if model.get("ignore_merges") is True:
            yield Use("tokenizers_key", "model.BPE.ignore_merges", "/model/ignore_merges")
        if dropout == 0 and type(dropout) is not bool:
            yield Use("tokenizers_key", "model.BPE.dropout-zero", "/model/dropout")
