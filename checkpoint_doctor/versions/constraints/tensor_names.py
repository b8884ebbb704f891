"""Names of tensors that only some releases look for: wrappers, moved parts of vision-language models, fused experts.

`save_pretrained` writes the old names again when it can. The new ones come from trainers that save a state dict as it
is, and from models that were made, not loaded, by a release with other names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.families import DECODERS
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

Tensors = Mapping[str, TensorInfo]
V5 = 50000
LAYER = re.compile(r"((?:model\.)*)layers\.\d+\.")
# The towers of CLIP and SigLIP had their parts below vision_model or text_model until 5.6.0. CLIP's two and SigLIP's
# class, LLaVA and Gemma 3 with such towers, made and saved by 5.23.0, were loaded by 4.57.6, 5.5.4 and 5.6.0.
FLAT = 50600
FLAT_CLASSES = {
    f"{family}{part}Model"
    for family in ("CLIP", "Siglip", "AltCLIP", "ChineseCLIP", "CLIPSeg", "MetaClip2", "Siglip2", "XCLIP")
    for part in ("Vision", "Text")
}
FLAT_TYPES = ("clip_vision_model", "siglip_vision_model")
FLAT_TOWERS = tuple(f"{inner}{tower}_tower.embeddings." for inner in ("", "model.") for tower in ("vision", "image"))
RANDOM = "from_pretrained warns of newly initialized weights at most, and leaves the parts with these names random"


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "tensor-prefix" and "tensor-names"."""
    if ckpt.weights.format == "none" or ckpt.model_type is None:
        return
    tensors = ckpt.tensors
    for found in (_prefix(ckpt, tensors), _moved(ckpt, tensors), _fused(ckpt, tensors), _flat(ckpt, tensors)):
        if found is not None:
            yield found
    yield from _lost(ckpt, tensors)


def _names(tensor: TensorInfo, since: int) -> Constraint:
    reason = f"names of tensors such as {printable(tensor.name)} are read since {dotted(since)}"
    return Constraint(
        "transformers", VersionSet((since,)), "tensor-names", reason, tensor.file, outcome="wrong", happens=RANDOM
    )


def _prefix(ckpt: Checkpoint, tensors: Tensors) -> Constraint | None:
    """One "model." too few or too many, which releases before 5.0.0 do not mend."""
    start = next((name for name in tensors if name.startswith(("layers.", "model.model.layers."))), None)
    if start is None or ckpt.model_type not in DECODERS:
        return None
    prefixes = {match[1] for name in tensors if (match := LAYER.match(name))}
    allowed, file = VersionSet((V5,)), tensors[start].file
    if prefixes == {""} and "lm_head.weight" in tensors:
        reason = f"layers without a prefix beside lm_head.weight are read since 5.0.0: {printable(start)}"
        happens = (
            "from_pretrained raises ValueError: The state dictionary of the model you are trying to load is corrupted"
        )
        return Constraint("transformers", allowed, "tensor-prefix", reason, file, happens=happens)
    if prefixes == {"model.model."}:
        reason = f"layers below model.model. are read since 5.0.0: {printable(start)}"
        return Constraint("transformers", allowed, "tensor-prefix", reason, file, outcome="wrong", happens=RANDOM)
    return None


def _moved(ckpt: Checkpoint, tensors: Tensors) -> Constraint | None:
    """Parts of a model that have other names since 4.52, by the class's own table of old names to new ones."""
    name = _architecture(ckpt)
    row, known = lookup.find("conversion", name), lookup.since("architecture", name)
    if row is None or known is None or "attribute" not in row:
        return None
    for table, when in lookup.over_time(row["attribute"]):
        first = (when or VersionSet.of(row["in"])).bounds[0]
        places = tuple(f"{new}." for new in table.values() if "." in new and "\\" not in new)
        if first > known.bounds[0] and places:
            found = next((tensor for name, tensor in tensors.items() if name.startswith(places)), None)
            return _names(found, first) if found is not None else None
    return None


def _fused(ckpt: Checkpoint, tensors: Tensors) -> Constraint | None:
    """The experts of a layer in one tensor, for a type that has them one by one on disk and that 4.x knows, too."""
    known = lookup.since("model_type", ckpt.model_type or "")
    row = lookup.find("conversion", ckpt.model_type or "")
    if row is None or known is None or known.bounds[0] >= V5:
        return None
    rules = _newest(row)
    ends = tuple(rule[1].lstrip(".") for rule in rules if len(rule) == 3 and ".*." in str(rule[0]) and "." in rule[1])
    found = next((tensor for name, tensor in tensors.items() if ends and name.endswith(ends)), None)
    return _names(found, VersionSet.of(row["in"]).bounds[0]) if found is not None and len(found.shape) == 3 else None


def _newest(row: dict[str, object]) -> list[list[str]]:
    """The renaming rules of a type in the newest release that we know; those of another type when it takes them."""
    newest = lookup.release(lookup.newest("transformers"))
    other = lookup.at(row.get("as"), newest)
    found = lookup.find("conversion", other) if isinstance(other, str) else row
    rules = lookup.at(found.get("rules"), newest) if found else None
    return [rule for rule in rules if isinstance(rule, list)] if isinstance(rules, list) else []


def _flat(ckpt: Checkpoint, tensors: Tensors) -> Constraint | None:
    """CLIP and SigLIP towers without the level in between that they had until 5.6.0."""
    places: tuple[str, ...] = ()
    vision = ckpt.config.get("vision_config")
    if _architecture(ckpt) in FLAT_CLASSES:
        places = ("embeddings.",)
    elif isinstance(vision, dict) and vision.get("model_type") in FLAT_TYPES:
        places = FLAT_TOWERS
    found = next((tensor for name, tensor in tensors.items() if places and name.startswith(places)), None)
    return _names(found, FLAT) if found is not None else None


def _lost(ckpt: Checkpoint, tensors: Tensors) -> Iterator[Constraint]:
    """Usual names that the first releases of 5.x did not read; run on tiny models of 4.57.6."""
    if ckpt.model_type == "phimoe":
        found = next((tensor for name, tensor in tensors.items() if ".block_sparse_moe.experts." in name), None)
        if found is not None:
            reason = f"{printable(found.name)} is not read by 5.0.0, which leaves the experts random"
            allowed = ANY - VersionSet((50000, 50100))
            yield Constraint(
                "transformers", allowed, "tensor-names", reason, found.file, outcome="wrong", happens=RANDOM
            )
    elif ckpt.model_type == "qwen3_vl_moe":
        found = next((tensor for name, tensor in tensors.items() if name.endswith(".experts.gate_up_proj")), None)
        if found is not None and len(found.shape) == 3 and _width(ckpt) == found.shape[1] != found.shape[2]:
            reason = f"{printable(found.name)} of shape {list(found.shape)} is not read by 5.0.0 to 5.1.0"
            allowed = ANY - VersionSet((50000, 50200))
            happens = "from_pretrained raises RuntimeError: You set `ignore_mismatched_sizes` to `False`"
            yield Constraint("transformers", allowed, "tensor-names", reason, found.file, happens=happens)


def _width(ckpt: Checkpoint) -> object:
    text = ckpt.config.get("text_config")
    return text.get("hidden_size") if isinstance(text, dict) else None


def _architecture(ckpt: Checkpoint) -> str:
    names = ckpt.config.get("architectures")
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
