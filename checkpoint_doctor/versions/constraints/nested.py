"""Nested configs: parts that older releases read from the top, and parts whose own type came later."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import configs, lookup
from checkpoint_doctor.versions.sections import Section, sections

FILE = "config.json"
WIDTH = "hidden_size"


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "nested-config" for text_config where the old class is flat, "sub-config-type" for its model_type."""
    top: Section | None = None
    for section in sections(ckpt):
        if not section.path:
            top = section
        elif top is not None:
            yield from _flat(top, section)
            yield from _type(section)


def _flat(top: Section, section: Section) -> Iterator[Constraint]:
    """Qwen2-VL and a few others had the fields of the language model at the top until 4.51."""
    known = top.releases()
    if section.path != ("text_config",) or not known or WIDTH in top.values or WIDTH not in section.values:
        return
    newest = configs.config_class(top.model_type, known[-1]) or ""
    flat = VersionSet(())
    for _, when in configs.timeline(newest, WIDTH):
        flat |= when
    last = flat.among(known)[-1:]
    if not last or known[-1] in flat or "text_config" in configs.sub_configs(newest, last[0]):
        return
    until = flat.bounds[-1]
    reason = f"text_config of {printable(top.model_type)} is read since {dotted(until)}, fields at the top before"
    happens = "the model is built with default sizes: RuntimeError: size mismatch for …, or random weights"
    yield Constraint(
        "transformers", ANY - VersionSet((0, until)), "nested-config", reason, FILE, "/text_config", happens=happens
    )  # fmt: skip


def _type(section: Section) -> Iterator[Constraint]:
    """A part that AutoConfig reads must be of a type that the release knows."""
    name, known = section.values.get("model_type"), section.releases()
    if not isinstance(name, str) or not known:
        return
    outer = configs.config_class(section.model_type, known[-1]) or ""
    sub = configs.sub_configs(outer, known[-1]).get(section.path[0])
    since = lookup.since("model_type", name)
    if sub is None or sub.config or since is None or since.bounds == (known[0],) or not _narrows(since, section):
        return
    shown = f"{section.path[0]} is of model_type {printable(name)}"
    says = f"came with {dotted(since.bounds[0])}" if len(since.bounds) == 1 else f"is known to {since}"
    happens = f"AutoConfig.from_pretrained raises ValueError: Unrecognized model type, or KeyError: '{printable(name)}'"
    yield Constraint(
        "transformers", since, "sub-config-type", f"{shown}, which {says}", FILE, section.pointer("model_type"),
        happens=happens,
    )  # fmt: skip


def _narrows(since: VersionSet, section: Section) -> bool:
    return bool(section.known & (ANY - since))
