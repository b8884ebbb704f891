"""The README of the merged model: what was merged, and what the adapter's author wrote about the training.

The base's own would claim to be about something else, and the adapter's front matter would call this a PEFT adapter.
"""

from __future__ import annotations

import re

from checkpoint_doctor import __version__
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable

_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_LICENSE = re.compile(r"^(license|license_name|license_link):[ \t]*([^\s#][^\n]*)$", re.MULTILINE)
# What PEFT's template says where nobody wrote anything (peft/peft_model.py::create_or_update_model_card).
_TEMPLATE = "[More Information Needed]"
_MOST_TEXT = 1_000_000
# A Hub id or a plain name; paths of somebody's machine are not passed on.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?\Z", re.ASCII)


def readme(adapter: Checkpoint, base: Checkpoint, title: str, changed: int) -> str:
    """The text; its front matter names the base for the Hub and keeps the base's licence lines."""
    named = adapter.adapter.base_name if adapter.adapter else None
    base_name = named if named and _HUB_ID.match(named) else base.name
    front = [f"base_model: {_quoted(base_name)}", "base_model_relation: finetune", "tags:", "- ckpt-doctor"]
    front += [f"{key}: {value.strip()}" for key, value in _licenses(base)]
    adapter_name = printable(adapter.name)
    written = _written(adapter)
    told = ["## The adapter's card", "", written] if written else [
        "This file says nothing about training, quality or limits: see the model card of the base."
    ]  # fmt: skip
    return "\n".join([
        "---",
        *front,
        "---",
        "",
        f"# {printable(title)}",
        "",
        f"The adapter `{adapter_name}` merged into `{printable(base_name)}` with ckpt-doctor {__version__}: "
        f"{changed} tensors changed, all others are the base's bytes.",
        "`ckpt_doctor_merge.json` records the inputs, the scales and what was proven.",
        "",
        *told,
        "",
    ])  # fmt: skip


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _licenses(base: Checkpoint) -> list[tuple[str, str]]:
    try:
        front = _FRONT.match(base.text("README.md")[:100_000])
    except FactUnavailable:
        return []
    return [(match[1], match[2]) for match in _LICENSE.finditer(front[1])] if front else []


def _written(adapter: Checkpoint) -> str:
    """What a person wrote in the adapter's README, without its front matter; "" for PEFT's empty template."""
    try:
        text = adapter.text("README.md")
    except FactUnavailable:
        return ""
    body = _FRONT.sub("", text, count=1).strip()
    return "" if _TEMPLATE in body or len(body) > _MOST_TEXT else body
