"""config.json's model_type."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.subject import kind as subject_kind
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.knowledge.architectures import builders
from checkpoint_doctor.versions.model_types import OTHER_LIBRARIES, first_architecture, has_own_code

PLACE = ("config.json", "/model_type")


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """The releases that know the model type; nothing for one that none knows, which is another rule's matter.

    Kinds: "model-type" for what came later, "model-type-gone" for what was removed, and "own-code", which only makes a
    difference, for a type that auto_map brings to releases that do not have it themselves; "architecture" as well, for
    a class that came later than its type.
    """
    name = ckpt.model_type
    row = lookup.find("model_type", name) if name is not None else None
    if name is None or row is None or ckpt.is_llava:
        return
    # Beside an adapter lies the configuration of its base, which speaks for a base that was not found.
    copied = subject_kind(ckpt) == "adapter" and ckpt.is_bare_adapter and ckpt.base is None
    if subject_kind(ckpt) in OTHER_LIBRARIES and not copied:
        return
    known, shown = VersionSet.of(row["in"]), f"model_type {printable(name)}"
    first = known.bounds[0]
    if has_own_code(ckpt.config):
        reason = f"{shown} is transformers' own since {dotted(first)}; others run the code that auto_map names"
        happens = "from_pretrained raises ValueError: … contains custom code, unless trust_remote_code=True is passed"
        yield Constraint("transformers", known, "own-code", reason, *PLACE, "differs", happens)
        return
    # What the first releases of the table know is older than they are.
    if first > lookup.releases("transformers")[0]:
        reason = f"{shown} came with {dotted(first)}"
        kind = "base-model-type" if copied else "model-type"
        yield Constraint("transformers", VersionSet((first,)), kind, reason, *PLACE, happens=_refusal(name))
    if copied:
        return
    yield from _class(ckpt, name, first)
    if len(known.bounds) > 1:
        reason = f"{shown} was removed in {dotted(known.bounds[1])}"
        present = VersionSet((0, *known.bounds[1:]))
        fix = _rename(name)
        yield Constraint(
            "transformers", present, "model-type-gone", reason, *PLACE, happens=_refusal(name), fix=fix
        )  # fmt: skip


def _class(ckpt: Checkpoint, name: str, first: int) -> Iterator[Constraint]:
    """The class that was saved, when it is younger than its type: kind "architecture"."""
    architecture = first_architecture(ckpt.config)
    row = lookup.find("architecture", architecture)
    since = VersionSet.of(row["in"]).bounds[0] if row and name in builders(architecture) else first
    if since > first:
        reason = f"{printable(architecture)} came with {dotted(since)}"
        happens = "the Auto class for its task raises ValueError: Unrecognized configuration class"
        yield Constraint(
            "transformers", VersionSet((since,)), "architecture", reason, PLACE[0], "/architectures/0", "differs",
            happens,
        )  # fmt: skip


def _refusal(name: str) -> str:
    shown = printable(name)
    new = f"ValueError: The checkpoint you are trying to load has model type `{shown}` but Transformers does not …"
    return f"AutoConfig.from_pretrained raises {new}; up to 4.36.2 it is KeyError: '{shown}'"


def _rename(name: str) -> Fix | None:
    """The same classes live on under another name."""
    row = lookup.find("renamed_type", name)
    since = lookup.since("model_type", str(row["to"])) if row else None
    if row is None or since is None:
        return None
    title = f'set "model_type" to "{row["to"]}", as transformers calls it since {dotted(since.bounds[0])}'
    return Fix(title, "safe", (Edit("set", *PLACE, name, row["to"]),))
