"""Rows of embedding and output tables, adapter against base."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.sdk import Adapter, BaseNames, Checkpoint, Problem, TensorInfo, listed, strip_prefix

TABLES = ("embed_tokens", "wte", "word_embeddings", "embed_in", "lm_head", "embed_out", "shared", "tok_embeddings")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or adapter.weights_file is None:
        return
    rows = dict(_rows(adapter))
    if not rows:
        return
    names = BaseNames([*adapter.modules, *rows], base.tensors, base.model_type)
    wrong: dict[tuple[int, int], list[str]] = defaultdict(list)
    for path, count in rows.items():
        weight = names.weight(path) or _embedding(names)
        if weight is not None and len(weight.shape) == 2 and weight.shape[0] != count:
            wrong[count, weight.shape[0]].append(path)
    for (mine, theirs), paths in wrong.items():
        cure = f"model.resize_token_embeddings({mine}) before PeftModel.from_pretrained, with the tokenizer of the run"
        message = f"{listed(paths)} of the adapter has {mine} rows, of the base {theirs}"
        yield Problem(message, file=adapter.weights_file, evidence={"cure": cure})


def _rows(adapter: Adapter) -> Iterator[tuple[str, int]]:
    for name, tensor in adapter.tensors.items():
        path = strip_prefix(name).removesuffix(".weight").removesuffix(".base_layer")
        if path.rpartition(".")[2] in TABLES and name.endswith(".weight") and len(tensor.shape) == 2 and tensor.numel:
            yield path, tensor.shape[0]
    for path, module in adapter.modules.items():
        embedding, head = module.factors.get("lora_embedding_A"), module.factors.get("lora_B")
        if path.rpartition(".")[2] not in TABLES:
            continue
        if embedding is not None and len(embedding.shape) == 2 and embedding.numel:
            yield path, embedding.shape[1]
        elif head is not None and len(head.shape) == 2 and head.numel:
            yield path, head.shape[0]


def _embedding(names: BaseNames) -> TensorInfo | None:
    """The base's input table, for an output table that is tied to it and not stored."""
    found = [t for n, t in names.tensors.items() if n.removesuffix(".weight").rpartition(".")[2] in TABLES]
    return found[0] if len(found) == 1 else None
