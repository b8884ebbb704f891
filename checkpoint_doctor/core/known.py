"""One thing that the knowledge table says about a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkpoint_doctor.core.versions import VersionSet


@dataclass(frozen=True, slots=True)
class Known:
    """What is known by a name, of one kind.

    Attributes:
        kind: see knowledge.kinds; or "config_field", "peft_field" and "quantization_field" for a field.
        title: the kind for people.
        name: as the library spells it; of a field "CLASS.FIELD".
        package: the distribution whose releases are counted, "" when it is not about releases.
        releases: those that know the name; None when it is not about releases.
        values: by entry what it was, each with its releases; None for all of `releases`.
        reason: for what was entered by hand, why; "" for what was read out of the releases.
        link: where that is told.
    """

    kind: str
    title: str
    name: str
    package: str
    releases: VersionSet | None
    values: Mapping[str, tuple[tuple[Any, VersionSet | None], ...]] = field(default_factory=dict)
    reason: str = ""
    link: str = ""
