"""What a new table must pass before it is written: nothing left unread, nothing suddenly gone, known dates unmoved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.versions import NONE, VersionSet, dotted
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact, Rows
from checkpoint_doctor.knowledge.kinds import KINDS
from checkpoint_doctor.knowledge.lookup import over_time

# How much of its names a kind may lose from one release to the next, unless the major changes; kinds of which the
# libraries themselves drop or rename more than that at times are not counted.
MOST = 0.03
COUNTED = {
    "architecture", "config", "feature_extractor", "image_processor", "model_type", "peft_config", "peft_type",
    "processor", "quantization", "sglang_architecture", "tokenizer", "vllm_architecture",
}  # fmt: skip
# (kind, name, its entry or "", the releases that are known to have it as VersionSet's text)
ANCHORS = (
    ("model_type", "llama", "", ">=4.28.0"),
    ("model_type", "mistral", "", ">=4.34.0"),
    ("model_type", "llava", "", ">=4.36.0"),
    ("model_type", "qwen3", "", ">=4.51.0"),
    ("model_type", "glm4", "", ">=4.51.3"),
    ("model_type", "gpt_oss", "", ">=4.55.0"),
    ("model_type", "qwen3_vl", "", ">=4.57.0"),
    ("model_type", "minimax_m2", "", ">=5.0.0"),
    ("model_type", "jukebox", "", ">=4.25.0,<5.0.0"),
    ("peft_config", "LoraConfig", "corda_config", ">=0.15.0"),
    ("peft_type", "LORA", "", ">=0.0.1"),
    ("peft_type", "BONE", "", ">=0.14.0,<0.19.0"),
)


def notes(facts: Iterable[tuple[int, Iterable[Fact]]]) -> Iterator[str]:
    """A line for each statement that a reader could not make out."""
    for release, of_release in facts:
        for kind, name, _ in of_release:
            if kind == NOTE:
                yield f"{dotted(release)}: {name}"


def drops(facts: Mapping[int, Iterable[Fact]]) -> Iterator[str]:
    """A line for each kind of which a release has clearly fewer names than the one before it."""
    before: Counter[str] = Counter()
    last = 0
    for release in sorted(facts):
        here = Counter(kind for kind, _, _ in facts[release] if kind in COUNTED)
        for kind, count in before.items():
            if release // 10000 == last // 10000 and here[kind] < count * (1 - MOST):
                yield f"{dotted(release)}: {here[kind]} of kind {kind}, but {dotted(last)} has {count}"
        before, last = here, release


def anchors(rows: Rows, packages: Iterable[str]) -> Iterator[str]:
    """A line for each known date that the table does not have."""
    have = set(packages)
    for kind, name, entry, known in ANCHORS:
        if KINDS[kind].package in have:
            found = str(_releases(rows.get((kind, name)), entry))
            if found != known:
                yield f"{kind} {name} {entry}".rstrip() + f" is in {found}, but it is known to be in {known}"


def _releases(row: dict[str, Any] | None, entry: str) -> VersionSet:
    """Those that know a name, or an entry of its row."""
    if row is None or (entry and entry not in row):
        return NONE
    found = NONE
    for _, releases in over_time(row[entry]) if entry else [(None, None)]:
        found |= releases or VersionSet.of(row["in"])
    return found
