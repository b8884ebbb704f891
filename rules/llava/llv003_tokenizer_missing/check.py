"""AutoTokenizer finds the class by a key in two JSON files, or by a table that does not know llava's configs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, Fix, Problem, command, llava, printable

NAMES = ("tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json")
SENTENCEPIECE = ("llava_llama", "llava_mistral")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    model_type = ckpt.model_type or ""
    if ckpt.adapter is not None or ckpt.weights.format == "none" or _says_class(ckpt):
        return
    vocabulary = [name for name in ("tokenizer.model", "tokenizer.json", "vocab.json") if ckpt.has(name)]
    if vocabulary and llava.PACKAGE_TYPES.get(model_type, "LlavaConfig") == "LlavaConfig":
        return  # since 4.36 the class's name is taken for transformers' own LlavaConfig, whose tokenizer is Llama's
    error = llava.tokenizer_error(model_type)
    happens = f"AutoTokenizer.from_pretrained({printable(ckpt.name)!r}) raises {error}"
    if not vocabulary:
        yield Problem("there are no tokenizer files", fix=_copy(ckpt), evidence={"happens": happens})
        return
    message = f"there is {vocabulary[0]}, but no tokenizer_class in tokenizer_config.json or config.json"
    yield Problem(message, fix=_name_class(ckpt, model_type), evidence={"happens": happens})


def _says_class(ckpt: Checkpoint) -> bool:
    for data in (ckpt.object("tokenizer_config.json"), ckpt.config):
        auto_map = data.get("auto_map")
        if data.get("tokenizer_class") or (isinstance(auto_map, dict) and "AutoTokenizer" in auto_map):
            return True
    return False


def _name_class(ckpt: Checkpoint, model_type: str) -> Fix | None:
    """Llama and Mistral with a sentencepiece model have one tokenizer; a Git LFS pointer or a page is no such model."""
    if model_type not in SENTENCEPIECE or not ckpt.has("tokenizer.model") or ckpt.kind("tokenizer.model") != "binary":
        return None
    edit = Edit("add", "tokenizer_config.json", "/tokenizer_class", ABSENT, "LlamaTokenizer")
    return Fix('say "tokenizer_class": "LlamaTokenizer" in tokenizer_config.json', "safe", (edit,))


def _copy(ckpt: Checkpoint) -> Fix | None:
    name = ckpt.config.get("_name_or_path")
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 1000:
        return None
    beside = ckpt.root.parent / name[3:] if name.startswith("../") else ckpt.root / name
    for source in (beside, Path(name)) if ckpt.looks_outside else ():
        files = [source / file for file in NAMES if os.path.isfile(source / file)]
        if any(file.name.startswith("tokenizer") for file in files):
            return Fix(command("cp", *files, ckpt.root), "display")
    if name.count("/") == 1 and name[0].isalnum():
        return Fix(command("hf", "download", name, *NAMES[:4], "--local-dir", ckpt.root), "display")
    return None
