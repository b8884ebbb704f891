"""Prefixes that wrappers around a model leave in the names of its tensors."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

# DDP, torch.compile, FSDP, Lightning, PEFT, TRL's value head; these count when most names begin with one.
_FIRST = re.compile(r"(?:module|_orig_mod|_fsdp_wrapped_module|_forward_module|base_model\.model|pretrained_model)\.")
# These never belong to a model, wherever they stand.
_INSIDE = re.compile(r"(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Names that carry a wrapper's prefix.

    Attributes:
        prefix: the first one found, with its final dot.
        leading: whether it stands at the begin of the names.
        names: the names that have it.
    """

    prefix: str
    leading: bool
    names: tuple[str, ...]


def wrapped(names: Collection[str]) -> Wrapped | None:
    """What a wrapper did to these names, or None."""
    leading = {name: match[0] for name in names if (match := _FIRST.match(name))}
    if len(leading) * 2 > len(names):
        return Wrapped(next(iter(leading.values())), True, tuple(leading))
    inside = {name: match[0] for name in names if (match := _inside(name))}
    return Wrapped(next(iter(inside.values())), False, tuple(inside)) if inside else None


def _inside(name: str) -> re.Match[str] | None:
    found = _INSIDE.finditer(name)
    return next((match for match in found if match.start() == 0 or name[match.start() - 1] == "."), None)
