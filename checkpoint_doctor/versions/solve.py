"""The releases that load a directory: all constraints, carried over to the packages that pin others, intersected."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint, Loads, Range, intersection
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, parse_spec
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.subject import kind as subject_kind
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import model_types
from checkpoint_doctor.versions.constraints import SERVERS, modules

# Libraries that transformers brings: what needs one of them needs a transformers whose own requirement admits it.
CARRIED = ("tokenizers", "safetensors")
# Directories that transformers does not read as a whole, with the distribution that does and what people call it.
ELSEWHERE = {
    "adapter-hub": ("adapters", "the adapters library"),
    "diffusers": ("diffusers", "diffusers"),  # engine.pipeline looks into its components
    "gguf": ("", "llama.cpp and what is built on it"),
    "keras": ("keras", "Keras"),
    "llava-projector": ("llava", "the llava package, beside its base"),
    "mlx": ("mlx-lm", "MLX"),
    "onnx": ("onnxruntime", "an ONNX runtime"),
    "timm": ("timm", "timm"),
}


def loads_with(ckpt: Checkpoint) -> Loads:
    """The ranges of every package that the directory says something about; worked out once.

    transformers is always there for what it could load, peft for adapters, even when nothing narrows them.
    """
    known = ckpt.memo.get("loads_with")
    if not isinstance(known, Loads):
        known = ckpt.memo["loads_with"] = _solve(ckpt)
    return known


def _solve(ckpt: Checkpoint) -> Loads:
    found: dict[str, list[Constraint]] = {}
    unseen: list[str] = []
    kind = subject_kind(ckpt)
    package, through = ELSEWHERE.get(kind, ("", ""))
    if package:
        found[package] = []
    if (ckpt.has("config.json") or ckpt.adapter is not None or kind == "tokenizer") and kind not in ELSEWHERE:
        found["transformers"] = []
        found.update({server: [] for server in SERVERS if server in ckpt.environment.packages})
    try:
        if ckpt.adapter is not None and ckpt.adapter.library == "PEFT":
            found["peft"] = []
    except FactUnavailable as reason:
        unseen.append(reason.reason)
    for constraints in (*modules(ckpt), _unknown_type, _of_base):
        try:
            for constraint in constraints(ckpt):
                if constraint.package not in SERVERS or constraint.package in ckpt.environment.packages:
                    found.setdefault(constraint.package, []).append(constraint)
        except FactUnavailable as reason:
            unseen.append(reason.reason)
    for package in CARRIED:
        for constraint in found.get(package, ()):
            found.setdefault("transformers", []).append(_carry(constraint))
    ranges = {
        package: Range(package, intersection(tuple(constraints)), tuple(constraints))
        for package, constraints in sorted(found.items(), key=lambda item: (item[0] != "transformers", item[0]))
    }
    return Loads(ranges, tuple(dict.fromkeys(unseen)), through or _through(ckpt) or _base_through(ckpt))


def _owner(ckpt: Checkpoint) -> model_types.Owner:
    try:
        return "llava" if ckpt.is_llava else model_types.owner(ckpt)
    except FactUnavailable:
        return ""


def _unknown_type(ckpt: Checkpoint) -> Iterator[Constraint]:
    """A model type that nobody has; CFG003 tells what it may have been."""
    if _owner(ckpt) == "nobody":
        reason = f"no release has the model_type {printable(str(ckpt.model_type))}"
        yield Constraint("transformers", NONE, "unknown-type", reason, "config.json", "/model_type")


def _through(ckpt: Checkpoint) -> str:
    """What reads a model type that is none of transformers' own."""
    owner, name = _owner(ckpt), ckpt.model_type or ""
    if owner == "own-code":
        return "its own code (trust_remote_code)"
    if owner == "package":
        return f"a package that brings the model_type {printable(name)}"
    if owner == "newer":
        return f"a transformers newer than {lookup.newest('transformers')}"
    row = lookup.find("remote_type", name) if owner in ("llava", "remote") else None
    return str(row["loads"]) if row is not None and "loads" in row else "the llava package" if owner == "llava" else ""


def _base_through(ckpt: Checkpoint) -> str:
    if not ckpt.is_bare_adapter or ckpt.base is None:
        return ""
    return _through(ckpt.base).replace("its own code", "the base's own code")


def _of_base(ckpt: Checkpoint) -> Iterator[Constraint]:
    """What the base of a bare adapter needs of transformers by its small files, as kinds that begin with "base-".

    The rest is left to a check of the base: to read its tokenizer.json would take many times as long as all else.
    """
    base = ckpt.base if ckpt.is_bare_adapter else None
    if base is None:
        return
    place = ("adapter_config.json", "/base_model_name_or_path")
    unseen = ""
    for constraints in (*modules(base, "model", "config.json", "tokenizer_config.json"), _unknown_type):
        try:
            for one in constraints(base):
                if one.package == "transformers" and one.outcome != "differs":
                    kind, reason = f"base-{one.kind}", f"base: {one.reason}"
                    yield one._replace(kind=kind, reason=reason, file=place[0], pointer=place[1], fix=None)
        except FactUnavailable as reason_not:
            unseen = unseen or reason_not.reason
    if unseen:
        raise FactUnavailable(f"of the base {unseen}")


def _carry(constraint: Constraint) -> Constraint:
    """The same reason as one about transformers."""
    allowed = bringing(constraint.package, constraint.allowed)
    reason = f"{constraint.reason} ({constraint.package} {constraint.allowed})"
    return Constraint(
        "transformers", allowed, constraint.kind, reason, constraint.file, constraint.pointer,
        constraint.outcome, constraint.happens, constraint.fix, {**constraint.detail, "through": constraint.package},
    )  # fmt: skip


def bringing(package: str, wanted: VersionSet) -> VersionSet:
    """The transformers releases whose own requirement admits a release of `package` that is wanted."""
    row = lookup.find("pin", f"transformers:{package}")
    if row is None:
        return ANY
    pinned = VersionSet.of(row["in"])
    allowed = VersionSet(())
    for spec, releases in lookup.over_time(row["value"]):
        admitted = parse_spec(str(spec)) & wanted
        # A window between two releases that were never made admits nothing; an open end may hold newer ones.
        if len(admitted.bounds) % 2 or admitted.among(lookup.releases(package)):
            allowed |= releases or pinned
    # Of releases that have no such requirement, the oldest among them, nothing is known: they do not matter alone.
    return ANY if not pinned - allowed else allowed | (VersionSet(pinned.bounds[-1:]) - pinned)
