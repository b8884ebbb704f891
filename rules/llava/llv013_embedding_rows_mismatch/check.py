"""A run that added tokens saves whole tables in non_lora_trainables.bin."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava, printable

TABLES = ("embed_tokens.weight", "lm_head.weight")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    vocab = ckpt.config.get("vocab_size")
    if not ckpt.is_bare_adapter or type(vocab) is not int:
        return
    tensors = ckpt.tensors_of(llava.NON_LORA_FILE)
    tables = {name: t.shape[0] for name, t in tensors.items() if name.endswith(TABLES) and len(t.shape) == 2}
    if not tables:
        return
    if unlike := sorted(name for name, rows in tables.items() if rows != vocab):
        name = unlike[0].rpartition("base_model.model.")[2]
        yield Problem(f"{printable(name)} has {tables[unlike[0]]} rows, and vocab_size in config.json is {vocab}")
        return
    if len(tables) < len(TABLES):
        return  # LLV012 misses the other one
    known = ckpt.needed_base().tensors
    base = next((t.shape[0] for n, t in known.items() if n.endswith(TABLES[0]) and len(t.shape) == 2), vocab)
    if base != vocab:
        why = "the base is loaded into a model with the run's vocabulary, and their tables differ in size"
        cure = "resize the base's tables first, or merge with ckpt-doctor; then add the run's tokens to the tokenizer"
        message = f"the run changed the vocabulary from {base} to {vocab} rows; the base's tokenizer lacks the new ones"
        yield Problem(message, evidence={"why": why, "cure": cure})
