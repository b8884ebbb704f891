"""Which tensors of the base an adapter's names mean, although files and run-time modules may spell them differently.

Sources: transformers 4.57.6 (`_checkpoint_conversion_mapping`), conversion_mapping.py of 5.x, what 4.51, 4.57 and 5.23
write, and which adapter keys PEFT 0.18.0 and 0.21.2 were seen to apply.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from checkpoint_doctor.core.tensor import TensorInfo

Spelling = Callable[[str], str]

# Real names have some 100 characters; longer ones would only cost time.
MAX_NAME = 1000

# Vision-language families whose text model is `language_model.model.` in files and `model.language_model.` in memory.
CLASSIC_FAMILIES = frozenset((
    "aya_vision", "gemma3", "got_ocr2", "internvl", "llava", "llava_next", "llava_next_video", "llava_onevision",
    "mistral3", "paligemma", "video_llava", "vipllava",
))  # fmt: skip
QWEN_FAMILIES = frozenset(("qwen2_vl", "qwen2_5_vl"))

# Per family, the parts of a model and the prefixes under which files and run-time modules of transformers 4.51 to 5.23
# spell them; the first that fits is the one that is meant.
Parts = tuple[tuple[str, ...], ...]
_CLASSIC: Parts = (
    ("model.vision_tower.vision_model.", "vision_tower.vision_model.", "model.vision_tower.", "vision_tower."),
    ("model.multi_modal_projector.", "multi_modal_projector."),
    ("model.image_newline.", "image_newline."),
    ("language_model.lm_head.", "lm_head."),
    ("language_model.model.", "model.language_model."),
)
_QWEN: Parts = (("model.visual.", "visual."), ("model.language_model.", "model."))
# What transformers calls `base_model_prefix` and adds or drops by itself when it loads.
_PREFIXES = ("model", "transformer", "gpt_neox", "backbone", "bert", "roberta", "language_model")


def spellings(known: Collection[str], model_type: str | None) -> list[Spelling]:
    """The ways in which names of an adapter may be spelled in its base, but for the adapter's own.

    Args:
        known: names of the base, as on disk: of tensors or of modules, as the names that will be asked.
        model_type: of the base.
    """
    ways: list[Spelling] = []
    if model_type in CLASSIC_FAMILIES or model_type in QWEN_FAMILIES:
        ways.append(_family_spelling(_CLASSIC if model_type in CLASSIC_FAMILIES else _QWEN, known))
    for prefix in _PREFIXES:
        dotted = prefix + "."
        if any(name.startswith(dotted) for name in known):
            ways.append(lambda name, dotted=dotted: name if name in known else dotted + name)  # type: ignore[misc]
        else:
            ways.append(lambda name, dotted=dotted: name.removeprefix(dotted))  # type: ignore[misc]
    return ways


def _family_spelling(parts: Parts, known: Collection[str]) -> Spelling:
    """Give every part of the model the prefix that the base's own names have."""
    dotted = [name + "." for name in known]
    chosen = [next((p for p in prefixes if any(name.startswith(p) for name in dotted)), "") for prefixes in parts]

    def spell(name: str) -> str:
        for prefixes, wanted in zip(parts, chosen):
            for prefix in prefixes:
                if wanted and f"{name}.".startswith(prefix):
                    return (wanted + f"{name}."[len(prefix) :])[:-1]
        return name

    return spell


class BaseNames:
    """The base's tensors, asked by the module paths of an adapter.

    One spelling is chosen for the whole adapter: the adapter's own unless another places more of its modules.

    Args:
        paths: module paths without `base_model.model.`.
        tensors: the base's tensors as its files name them.
        model_type: of the base.
    """

    def __init__(self, paths: Iterable[str], tensors: Mapping[str, TensorInfo], model_type: str | None) -> None:
        self.tensors = tensors
        self.modules = _modules(tensors)
        paths = [path.removesuffix(".base_layer") for path in paths]
        ways: list[Spelling] = [str, *spellings(self.modules, model_type)]
        self._spelling = max(ways, key=lambda way: sum(way(path) in self.modules for path in paths))

    def name(self, path: str) -> str:
        """The base's spelling of a module path; a wrapper's `.base_layer` is dropped."""
        return self._spelling(path.removesuffix(".base_layer"))

    def has(self, path: str) -> bool:
        """Whether the base holds tensors of that module."""
        return self.name(path) in self.modules

    def weight(self, path: str) -> TensorInfo | None:
        """The module's weight, if it has one under that very name."""
        return self.tensors.get(self.name(path) + ".weight")


def _modules(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        if len(name) > MAX_NAME:
            continue
        while "." in name:
            name = name.rpartition(".")[0]
            if name in found:
                break
            found.add(name)
    return found
