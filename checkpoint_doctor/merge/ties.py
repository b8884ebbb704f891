"""Input and output embeddings that are one table: what happens when the adapter changes one end.

PEFT merges into the shared table, which changes the other end, too (logits off by several times the adapter's own
effect in tests with llama, gemma2 and gpt2). Right is to untie: each end gets its own table, and config.json says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable

# Names of embedding tables and of heads, on disk.
INPUT = re.compile(r"(?:.*\.)?(?:embed_tokens|wte|word_embeddings|embed_in)\.weight\Z")
OUTPUT = re.compile(r"(?:.*\.)?(?:lm_head|embed_out)\.weight\Z")
# Decoder-only types whose classes keep both tables apart when tie_word_embeddings is false: an untied model of each
# was saved and loaded with transformers 5.23.0 and 4.57.6 (tests/merge/test_untie.py).
UNTIES = frozenset({
    "bloom", "cohere", "falcon", "gemma", "gemma2", "gpt2", "gpt_bigcode", "granite", "llama", "mistral",
    "mixtral", "olmo", "opt", "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "smollm3", "stablelm",
    "starcoder2",
})  # fmt: skip
# Types whose config class has tie_word_embeddings=False as its default, so that a missing field means untied.
UNTIED_BY_DEFAULT = frozenset({
    "deepseek_v3", "gpt_neox", "llama", "llava_llama", "llava_mistral", "llava_qwen", "mistral", "mixtral", "olmo",
    "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "stablelm",
})  # fmt: skip
_CAUSAL = ("ForCausalLM", "LMHeadModel")
_HEADLESS = ("Model", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")

Verdict = Literal["apart", "follow", "untie"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of a base's two tables.

    Attributes:
        input: the embedding table; None when there is none, or more than one.
        output: the head, also when a tied model has none on disk; None when the model has no head.
        stored: whether the head has a tensor of its own on disk.
    """

    input: str | None
    output: str | None
    stored: bool


def tables(tensors: Mapping[str, TensorInfo], config: Mapping[str, Any]) -> Tables:
    """Find the tables by their names on disk and the architecture's name."""
    inputs = [name for name in tensors if INPUT.match(name)]
    outputs = [name for name in tensors if OUTPUT.match(name)]
    source = inputs[0] if len(inputs) == 1 else None
    if outputs:
        return Tables(source, outputs[0] if len(outputs) == 1 else None, True)
    causal = _architecture(config).endswith(_CAUSAL)
    return Tables(source, "lm_head.weight" if source and causal else None, False)


def _architecture(config: Mapping[str, Any]) -> str:
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else ""
    return name if isinstance(name, str) else ""


def judge(
    pair: Tables,
    touched: Mapping[str, bool],
    tensors: Mapping[str, TensorInfo],
    config: Mapping[str, Any],
    adapter_config: Mapping[str, Any],
    same_bytes: Callable[[TensorInfo, TensorInfo], bool],
) -> Verdict:
    """What to do with the tables.

    Args:
        pair: from `tables`.
        touched: the changed tensors; True for one that is only replaced, in place, so that a tied end follows it.
        tensors: the base's.
        config: the base's config.json.
        adapter_config: adapter_config.json; {} when there is none.
        same_bytes: compares two tensors of one shape and dtype; asked only when nothing else answers.

    Returns:
        "apart": each tensor by itself; "follow": the head takes what the embedding takes; "untie": write both.

    Raises:
        UserError: they are tied, or may be, and the result would not load as two tables.
    """
    hit = [name for name in (pair.input, pair.output) if name is not None and name in touched]
    if not hit or pair.input is None:
        return "apart"
    flag = _flag(config)
    kind = config.get("model_type")
    if pair.output is None:
        if _architecture(config).endswith(_HEADLESS) and not _architecture(config).endswith(_CAUSAL):
            return "apart"
        raise _unclear(hit[0], "the base's head is not found by its name, and may be tied to it", kind)
    if pair.stored:
        if flag is False or (flag is None and kind in UNTIED_BY_DEFAULT):
            return "apart"
        left, right = tensors[pair.input], tensors[pair.output]
        if (left.shape, left.dtype) != (right.shape, right.dtype) or not same_bytes(left, right):
            if flag is None and "text_config" in config:
                return "apart"
            raise _unclear(hit[0], f"config.json ties it, but {pair.input} and {pair.output} differ on disk", kind)
    if hit == [pair.input] and touched[pair.input]:
        return "follow"
    if adapter_config.get("ensure_weight_tying") is True:
        raise UserError(
            f"the adapter changes {printable(hit[0])} with ensure_weight_tying, which cannot be merged here",
            "PEFT 0.21's own merge adds the update twice",
        )
    if kind not in UNTIES:
        raise _unclear(hit[0], "it is tied in this base", kind)
    return "untie"


def _unclear(name: str, what: str, kind: object) -> UserError:
    return UserError(
        f"the adapter changes {printable(name)}: {what}, and how {printable(str(kind), 40)} unties is not known",
        "if the base is not tied, say so with tie_word_embeddings in its config.json; else keep the adapter unmerged",
    )


def _flag(config: Mapping[str, Any]) -> bool | None:
    for section in (config, config.get("text_config")):
        if isinstance(section, Mapping) and isinstance(section.get("tie_word_embeddings"), bool):
            return bool(section["tie_word_embeddings"])
    return None
