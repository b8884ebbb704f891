"""Where common families keep their layers and their input embedding, and what config.json says about them.

The types are those whose plain pattern was verified by building each class of transformers 5.23.0 on the meta device
(tests/proofs/test_weights.py does it again); other families are left alone. Names on disk may carry the prefixes of
older releases, so several are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checkpoint_doctor.core.tensor import FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.llava import PACKAGE_TYPES


def _types(text: str) -> frozenset[str]:
    return frozenset(text.split())


DECODERS = _types("""
    afmoe apertus arcee aria_text bamba bitnet cohere cohere2 cohere2_moe cwm deepseek_v2 deepseek_v3 deepseek_v32
    diffllama doge ernie4_5 ernie4_5_moe exaone4 exaone_moe falcon_h1 flex_olmo gemma gemma2 gemma3_text gemma4_text
    glm glm4 glm4_moe glm4_moe_lite glm_moe_dsa gpt_oss granite granitemoe granitemoehybrid granitemoeshared helium
    internlm3 jais2 jamba jetmoe lfm2 llama llama4_text minicpm3 minimax minimax_m2 ministral3 mistral mixtral
    nanochat olmo olmo2 olmo3 olmoe persimmon phi phi3 phimoe qwen2 qwen2_moe qwen3 qwen3_5_moe_text qwen3_5_text
    qwen3_moe qwen3_next recurrent_gemma seed_oss smollm3 solar_open stablelm starcoder2 vaultgemma xglm
""")
WITH_VISION = _types("""
    aria cohere2_vision gemma3 gemma4 glm46v glm4v glm4v_moe got_ocr2 internvl lfm2_vl llava llava_next
    llava_next_video llava_onevision mistral3 ovis2 paligemma qwen2_5_vl qwen2_vl qwen3_5 qwen3_5_moe qwen3_vl
    qwen3_vl_moe video_llava vipllava
""")
GPT2 = _types("codegen gpt-sw3 gpt2 gpt_bigcode gptj")
ENCODERS = _types("bert camembert data2vec-text ernie megatron-bert roberta xlm-roberta xlm-roberta-xl")

KNOWN_FAMILIES = DECODERS | WITH_VISION | GPT2 | ENCODERS

# transformers 5 takes a doubled "model." away by itself.
_TEXT = r"(?:(?:model\.){0,2}|language_model\.model\.|model\.language_model\.|language_model\.)"


@dataclass(frozen=True, slots=True)
class _Pattern:
    types: frozenset[str]
    layer: re.Pattern[str]
    embedding: re.Pattern[str]
    layers_key: str = "num_hidden_layers"
    width_key: str = "hidden_size"


_PATTERNS = (
    _Pattern(
        DECODERS | WITH_VISION | frozenset(PACKAGE_TYPES),
        re.compile(_TEXT + r"layers\.(\d{1,9})\.(.+)"),
        re.compile(_TEXT + r"embed_tokens\.weight"),
    ),
    _Pattern(
        GPT2,
        re.compile(r"(?:transformer\.)?h\.(\d{1,9})\.(.+)"),
        re.compile(r"(?:transformer\.)?wte\.weight"),
        "n_layer",
        "n_embd",
    ),
    _Pattern(
        ENCODERS,
        re.compile(r"(?:\w+\.)?encoder\.layer\.(\d{1,9})\.(.+)"),
        re.compile(r"(?:\w+\.)?embeddings\.word_embeddings\.weight"),
    ),
)


@dataclass(frozen=True, slots=True)
class Family:
    """The text model of a checkpoint of a known family.

    Attributes:
        section: the part of config.json that describes it.
        place: JSON pointer of that part, "" for the top level.
        layers_key: the key for the number of layers; `width_key` the one for the hidden size.
        layers: number of a layer to the endings of its tensor names.
        embedding: the input embedding when it is there once, unquantised and with two dimensions.
    """

    section: Mapping[str, Any]
    place: str
    layers_key: str
    width_key: str
    layers: Mapping[int, frozenset[str]]
    embedding: TensorInfo | None

    def number(self, key: str) -> int | None:
        """A positive whole number of the section, or None."""
        value = self.section.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    @property
    def width_fits(self) -> bool:
        """Whether the embedding is as wide as the config says, as far as both are known."""
        width = self.number(self.width_key)
        return self.embedding is None or width is None or self.embedding.shape[1] == width


def read_family(ckpt: Checkpoint) -> Family | None:
    """The text model of the directory, None for types that are not known well enough; the class is not looked at.

    Raises:
        FactUnavailable: config.json or the weights cannot be read, or the weights are not all there.
    """
    config = ckpt.config
    pattern = next((found for found in _PATTERNS if ckpt.model_type in found.types), None)
    if pattern is None:
        return None
    text = config.get("text_config")
    section, place = (text, "/text_config") if isinstance(text, dict) else (config, "")
    layers: dict[int, set[str]] = {}
    embeddings = []
    # The question answering classes of decoders call their base model "transformer"; no other class of theirs does.
    answers = "qa_outputs.weight" in ckpt.tensors
    for stored, tensor in ckpt.tensors.items():
        name = stored.removeprefix("transformer.") if answers else stored
        if match := pattern.layer.fullmatch(name):
            layers.setdefault(int(match[1]), set()).add(match[2])
        elif pattern.embedding.fullmatch(name):
            embeddings.append(tensor)
    plain = [tensor for tensor in embeddings if tensor.dtype in FLOAT_DTYPES and len(tensor.shape) == 2]
    return Family(
        section,
        place,
        pattern.layers_key,
        pattern.width_key,
        {number: frozenset(endings) for number, endings in layers.items()},
        plain[0] if len(embeddings) == len(plain) == 1 else None,
    )
