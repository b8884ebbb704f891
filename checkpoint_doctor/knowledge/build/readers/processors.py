"""Tokenizers, processors, image and video processors and feature extractors: by model type, and the classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.knowledge.build.auto_tables import auto_tables, classes_in
from checkpoint_doctor.knowledge.build.classes import Family, offered
from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.sources import Sources

# kind, file of the auto tables, table, beginning of the files with the classes, ending of their names
AREAS = (
    ("processor", "processing_auto", "PROCESSOR_MAPPING", "processing_", "Processor"),
    ("image_processor", "image_processing_auto", "IMAGE_PROCESSOR_MAPPING", "image_processing_", "ImageProcessor"),
    ("video_processor", "video_processing_auto", "VIDEO_PROCESSOR_MAPPING", "video_processing_", "VideoProcessor"),
    ("feature_extractor", "feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING", "feature_extraction_",
     "FeatureExtractor"),
)  # fmt: skip


def read(sources: Sources) -> Iterator[Fact]:
    """*_map `name`, or `slow`, `fast`, `torchvision`, `pil` where a release has several; the classes by themselves.

    An image processor that only stands for another one since 5.4 has `alias`.
    """
    in_init = offered(sources)
    for kind, module, stem, beginning, ending in AREAS:
        table = auto_tables(sources).table(module, stem)
        for model_type, value in table.items():
            values = by_backend(value, "slow" if kind == "image_processor" else "name")
            if values:
                yield f"{kind}_map", model_type, values
        files = [path for path in sources.paths("transformers/") if path.rpartition("/")[2].startswith(beginning)]
        family = Family.of(sources, files)
        defined, public = {*family.classes, *family.aliases}, family.exports | in_init
        # The tables also name classes that were never written (Llama4ImageProcessor).
        named = set(classes_in(list(table.values())))
        names = named & (defined | public) | {name for name in defined & public if _ends(name, ending)}
        for name in sorted(names):
            yield kind, name, {}
        if kind == "image_processor":
            for name in _fast_aliases(sources, names):
                yield kind, name, {"alias": name.removesuffix("Fast")}


def _ends(name: str, ending: str) -> bool:
    """Whether a class is of that sort by its name; XImageProcessorFast, XImageProcessorPil and XProcessorWithLM are."""
    plain = name.removesuffix("Fast").removesuffix("Pil").removesuffix("WithLM")
    return plain.endswith(ending) and not name.startswith("Auto")


def by_backend(value: Any, alone: str) -> dict[str, str]:
    """An entry by its backends: a name, (slow, fast), or {"torchvision": …, "pil": …}; what is None is left out."""
    if isinstance(value, dict):
        entries = value
    elif isinstance(value, list):
        entries = dict(zip(("slow", "fast"), value))
    else:
        entries = {alone: value}
    return {backend: name for backend, name in entries.items() if isinstance(name, str)}


def _fast_aliases(sources: Sources, names: set[str]) -> Iterator[str]:
    """XImageProcessorFast, which gives XImageProcessor in a release whose lazy modules say so."""
    if 'endswith("ImageProcessorFast")' in (sources.text("transformers/utils/import_utils.py") or ""):
        for name in sorted(names):
            if name.endswith("ImageProcessor") and f"{name}Fast" not in names:
                yield f"{name}Fast"
