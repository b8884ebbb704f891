"""preprocessor_config.json and processor_config.json: class names and layouts that not every release reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

OLD_FILE, NEW_FILE = "preprocessor_config.json", "processor_config.json"
LOOKED_AT = 42500  # AutoImageProcessor, with which the oldest classes were renamed
# It takes XImageProcessor where XImageProcessorFast is unknown or cannot be used.
WITHOUT_FAST = 44800
# image_processing_base.py, feature_extraction_utils.py, video_processing_utils.py look into processor_config.json.
NESTED = 45600
# Qwen2VLImageProcessor with {"min_pixels", "max_pixels"} in `size`; run on 4.46.3, 4.51.3, 4.57.6, 5.0.0 and 5.6.0.
# Since 5.4.0 the same two at the top level help.
SIZE_REFUSED, SIZE_REFUSED_ALONE = VersionSet((45000, 50400)), VersionSet((45000, 51500))
_EDGES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
QWEN = ("Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast")


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "image-processor", "image-size", "processor-class", "nested-processor"."""
    old, new = ckpt.object(OLD_FILE), ckpt.object(NEW_FILE)
    nested = new.get("image_processor")
    for file, base, values in ((OLD_FILE, "", old), (NEW_FILE, "/image_processor", nested)):
        if isinstance(values, dict) and not _own_code(values, "AutoImageProcessor"):
            yield from _image(file, base, values)
            yield from _size(file, base, values)
    for file, values in ((NEW_FILE, new), (OLD_FILE, old)):
        if "processor_class" in values:
            yield from _processor(ckpt, file, values)
            break
    yield from _nested(ckpt, new)


def _own_code(values: dict[str, Any], key: str) -> bool:
    named = values.get("auto_map")
    return isinstance(named, dict) and key in named


def _image(file: str, base: str, values: dict[str, Any]) -> Iterator[Constraint]:
    name, pointer = values.get("image_processor_type"), f"{base}/image_processor_type"
    if not isinstance(name, str):
        return
    slow = name.removesuffix("Fast")
    known = _known(name) | (_known(slow) & VersionSet((WITHOUT_FAST,)) if slow != name else NONE)
    if known and ANY - known:
        happens = "AutoImageProcessor.from_pretrained raises ValueError: Unrecognized image processor"
        reason = f"image_processor_type {printable(name)} {_when(known)}"
        fix = _renamed(file, pointer, name) if len(known.bounds) % 2 == 0 else None
        yield Constraint("transformers", known, "image-processor", reason, file, pointer, happens=happens, fix=fix)


def _known(name: str) -> VersionSet:
    """Releases up to 4.57 take an old feature extractor's name here, too; those before 4.25.0 do not look."""
    known = (lookup.since("image_processor", name) or NONE) | (lookup.since("feature_extractor", name) or NONE)
    return known | VersionSet((0, LOOKED_AT)) if LOOKED_AT in known else known


def _when(known: VersionSet) -> str:
    return f"came with {dotted(known.bounds[0])}" if len(known.bounds) % 2 else f"went with {dotted(known.bounds[-1])}"


def _renamed(file: str, pointer: str, name: str) -> Fix | None:
    """XFeatureExtractor was XImageProcessor by another name since 4.25.0, until it went with 5.0.0."""
    other = name.replace("FeatureExtractor", "ImageProcessor")
    known = lookup.since("image_processor", other)
    if other == name or known is None or len(known.bounds) != 1:
        return None
    return Fix(f"call it {other}, as 4.25.0 did", "safe", (Edit("set", file, pointer, name, other),))


def _size(file: str, base: str, values: dict[str, Any]) -> Iterator[Constraint]:
    size = values.get("size")
    if values.get("image_processor_type") not in QWEN or not isinstance(size, dict) or set(size) != set(_EDGES):
        return
    same = all(values.get(key) == size[key] for key in _EDGES)
    refused = SIZE_REFUSED if same else SIZE_REFUSED_ALONE
    first, without = map(dotted, refused.bounds)
    reason = f"size with min_pixels and max_pixels is refused since {first} and read again since {without}"
    happens = (
        "AutoImageProcessor.from_pretrained raises ValueError: size must contain 'shortest_edge' and 'longest_edge'"
    )
    edits = tuple(Edit("rename", file, f"{base}/size/{key}", size[key], new) for key, new in _EDGES.items())
    fix = Fix("call them shortest_edge and longest_edge, which all releases read", "safe", edits) if same else None
    allowed, pointer = ANY - refused, f"{base}/size"
    yield Constraint("transformers", allowed, "image-size", reason, file, pointer, happens=happens, fix=fix)


def _processor(ckpt: Checkpoint, file: str, values: dict[str, Any]) -> Iterator[Constraint]:
    name = values["processor_class"]
    known = lookup.since("processor", name) if isinstance(name, str) else None
    types = lookup.since("model_type", ckpt.model_type or "")
    if known is None or types is None or _own_code(values, "AutoProcessor") or not types - known:
        return  # a release that does not know the model either has said so
    reason = f"processor_class {printable(name)} {_when(known)}"
    happens = "AutoProcessor.from_pretrained gives the tokenizer alone, without a word"
    place = (file, "/processor_class")
    yield Constraint("transformers", known, "processor-class", reason, *place, outcome="wrong", happens=happens)


def _nested(ckpt: Checkpoint, new: dict[str, Any]) -> Iterator[Constraint]:
    if ckpt.has(OLD_FILE):
        return
    part = next((part for part in ("image_processor", "feature_extractor") if isinstance(new.get(part), dict)), None)
    if part is not None:
        reason = f"{part} inside {NEW_FILE}, without {OLD_FILE}, is read since {dotted(NESTED)}"
        happens = f"AutoProcessor.from_pretrained raises OSError: … does not appear to have a file named {OLD_FILE}"
        pointer = f"/{part}"
        allowed = VersionSet((NESTED,))
        yield Constraint("transformers", allowed, "nested-processor", reason, NEW_FILE, pointer, happens=happens)
