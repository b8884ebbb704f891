"""Which tensors of the base an adapter's modules mean, although files and run-time modules may spell them differently.

Sources: transformers 4.57.6 (`_checkpoint_conversion_mapping`), what 4.51, 4.57 and 5.23 write, and which adapter keys
PEFT 0.18.0 and 0.21.2 were seen to apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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

_CLASSIC = (
    ("model.language_model.", "language_model.model."),
    ("lm_head", "language_model.lm_head"),
    ("model.vision_tower.encoder.", "vision_tower.vision_model.encoder."),
    ("model.vision_tower.", "vision_tower."),
    ("model.multi_modal_projector.", "multi_modal_projector."),
)
_MODERN = tuple((new, old) for old, new in _CLASSIC if "encoder" not in old)
_OLD_QWEN = (("model.language_model.", "model."), ("model.visual.", "visual."))
_NEW_QWEN = (
    ("model.layers.", "model.language_model.layers."),
    ("model.embed_tokens", "model.language_model.embed_tokens"),
    ("visual.", "model.visual."),
)
# What transformers calls `base_model_prefix` and adds or drops by itself when it loads.
_PREFIXES = ("model.", "transformer.", "gpt_neox.", "backbone.", "bert.", "roberta.", "language_model.")


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
        paths = list(paths)
        ways = _spellings(model_type)
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


def _spellings(model_type: str | None) -> list[Spelling]:
    tables = []
    if model_type in CLASSIC_FAMILIES:
        tables = [_CLASSIC, _MODERN]
    elif model_type in QWEN_FAMILIES:
        tables = [_OLD_QWEN, _NEW_QWEN]
    ways: list[Spelling] = [lambda path: path]
    ways += [lambda path, table=table: _replace(path, table) for table in tables]  # type: ignore[misc]
    ways += [lambda path, prefix=prefix: path.removeprefix(prefix) for prefix in _PREFIXES]  # type: ignore[misc]
    ways += [lambda path, prefix=prefix: prefix + path for prefix in _PREFIXES]  # type: ignore[misc]
    return ways


def _replace(path: str, table: tuple[tuple[str, str], ...]) -> str:
    for old, new in table:
        if path.startswith(old):
            return new + path[len(old) :]
    return path
