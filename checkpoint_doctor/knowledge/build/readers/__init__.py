"""What reads a release: one module per area, each with `read(sources)`, and the list of them.

A reader module has

    def read(sources: Sources) -> Iterator[Fact]

which yields (kind, name, values) for one release, each name once, values without "in"; and may have

    def pack(rows: Rows) -> Rows

for a shorter form of its own rows. What it cannot make out it yields as (NOTE, where and what, {}), which stops the
build. It must depend on nothing but the release: its facts are kept, by the wheel's and its own sources' hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol

from checkpoint_doctor.knowledge.build.intervals import Fact, Rows
from checkpoint_doctor.knowledge.build.sources import Sources

# (package, module in this folder)
READERS: tuple[tuple[str, str], ...] = (
    ("peft", "peft"),
    ("peft", "pins"),
    ("sglang", "pins"),
    ("sglang", "sglang"),
    ("transformers", "architectures"),
    ("transformers", "configs"),
    ("transformers", "model_types"),
    ("transformers", "named_parts"),
    ("transformers", "pins"),
    ("transformers", "processors"),
    ("transformers", "tokenizers_auto"),
    ("transformers", "weight_names"),
    ("vllm", "pins"),
    ("vllm", "vllm"),
    ("vllm", "vllm_lora"),
)  # fmt: skip


class Reader(Protocol):
    """A reader module; `pack` is optional."""

    def read(self, sources: Sources) -> Iterator[Fact]: ...

    def pack(self, rows: Rows) -> Rows: ...


def reader(name: str) -> Reader:
    """The module of a reader."""
    module: Reader = import_module(f"{__name__}.{name}")
    return module
