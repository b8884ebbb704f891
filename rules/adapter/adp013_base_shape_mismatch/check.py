"""Factors against the base's weights, in the orientation in which the base stores them."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import FLOAT_DTYPES, BaseNames, Checkpoint, Problem, TensorInfo, printable

# Models that store Linear weights as [in, out] (transformers.pytorch_utils.Conv1D).
CONV1D = {"gpt2", "imagegpt", "openai-gpt", "decision_transformer", "clvp"}
VOCABULARY = ("embed_tokens", "wte", "word_embeddings", "embed_in", "lm_head", "embed_out", "shared", "tok_embeddings")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or not adapter.is_lora or adapter.weights_file is None:
        return
    config = adapter.config
    if config.get("use_bdlora") or config.get("use_qalora") or "quantization_config" in base.config:
        return
    names = BaseNames(adapter.modules, base.tensors, base.model_type)
    swapped = base.model_type in CONV1D or config.get("fan_in_fan_out") is True
    wrong = []
    for path, module in adapter.modules.items():
        a, b, weight = module.factors.get("lora_A"), module.factors.get("lora_B"), names.weight(path)
        if a is None or b is None or weight is None or path.rpartition(".")[2] in VOCABULARY:
            continue
        fault = _fault(a, b, weight, swapped)
        if fault:
            wrong.append(f"{printable(path)} {fault}")
    if wrong:
        more = f"; {len(wrong)} modules do not fit" if len(wrong) > 1 else ""
        yield Problem(wrong[0] + more, file=adapter.weights_file)


def _fault(a: TensorInfo, b: TensorInfo, weight: TensorInfo, swapped: bool) -> str:
    if not (len(a.shape) == len(b.shape) == len(weight.shape) == 2) or weight.dtype not in FLOAT_DTYPES:
        return ""
    if not a.numel or not b.numel:
        return ""
    adapter, base = (b.shape[0], a.shape[1]), weight.shape
    if adapter == base or (swapped and adapter == base[::-1]):
        return ""
    return f"is {adapter[0]} x {adapter[1]} (out x in) in the adapter, its weight in the base is {list(base)}"
