"""Which files of a directory the libraries open when they load it; a fault in any other file harms nobody yet.

Seen by giving each file a fault and loading the directory with transformers 5.23.0 and 4.57.6, and from the source of
PEFT (peft/utils/save_and_load.py::load_peft_weights) and LLaVA (llava/model/builder.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.llava import NON_LORA_FILE, PROJECTOR_FILE
from checkpoint_doctor.facts.safetensors_file.header import HeaderProblem

_TOKENIZER = ("tokenizer_config.json", "tokenizer.json")
# Read only when tokenizer_config.json has no added_tokens_decoder (tokenization_utils_base.py::_from_pretrained).
_LEGACY_TOKENIZER = ("special_tokens_map.json", "added_tokens.json")
# Read only when there is no tokenizer.json.
_VOCABULARIES = (
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tekken.json", "vocab.json", "merges.txt",
    "vocab.txt",
)  # fmt: skip
_PROCESSOR = (
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "chat_template.json",
)
# Weights of the parts of a diffusers pipeline and of the modules of sentence-transformers.
_PART = re.compile(r"[^/]+/(?:model|diffusion_pytorch_model)\.safetensors")
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
# What lies there instead of the file that was meant, as facts.sniff names it: rules of their own tell.
STAND_INS = frozenset(("empty", "lfs-pointer", "html", "xml-error", "error-body"))
# What trainers leave behind: it has these endings, but nobody loads it as weights.
_TRAINING_STATE = re.compile(
    r"(?:optimizer|scheduler|scaler|sampler|dl_state|loss_scaler)\w*\.(?:pt|bin|pth)"
    r"|training_args\.(?:bin|pt)|rng_state\w*\.pth|random_states_\w*\.pt|.*_(?:optim|model)_states\.pt"
)


def opened_files(ckpt: Checkpoint) -> list[str]:
    """The files that loading opens, the most important first: those that are there and may be followed.

    Left out is generation_config.json, which is ignored without a word when it cannot be read.
    """
    return [name for name in named_files(ckpt) if ckpt.files[name].followed]


def named_files(ckpt: Checkpoint) -> list[str]:
    """`opened_files` with the links that are not followed."""
    return [name for name in dict.fromkeys(_names(ckpt)) if name in ckpt.files]


def json_files(ckpt: Checkpoint, *also: str) -> list[str]:
    """The JSON files that loading opens, without those that are no text of their own: empty, pointers, error pages.

    Args:
        also: further files to give, if they are there.
    """
    extra = [name for name in also if name in ckpt.files and ckpt.files[name].followed]
    names = [name for name in opened_files(ckpt) if name.endswith(".json")] + extra
    return [name for name in names if ckpt.kind(name) not in STAND_INS]


def weight_files(ckpt: Checkpoint) -> list[str]:
    """The weight files that loading opens; when there are none with names that it knows, all that look like weights."""
    return [name for name in opened_files(ckpt) if name.endswith(_WEIGHTS)]


def _names(ckpt: Checkpoint) -> Iterator[str]:
    files = ckpt.files
    yield from ("config.json", "adapter_config.json")
    if ckpt.weights.index_file:
        yield ckpt.weights.index_file
    known = [*ckpt.weights.files, *_adapter_weights(ckpt)]
    known += [name for name in (NON_LORA_FILE, PROJECTOR_FILE) if name in files]
    if "model_index.json" in files or "modules.json" in files:
        known += [name for name in files if _PART.fullmatch(name)]
    yield from known
    if not known:  # an index that cannot be read among them
        for name in files:
            if "/" not in name and name.endswith(_WEIGHTS) and not _TRAINING_STATE.fullmatch(name):
                yield name
    yield from _TOKENIZER
    if not _has_added_tokens_decoder(ckpt):
        yield from _LEGACY_TOKENIZER
    if "tokenizer.json" not in files:
        yield from _VOCABULARIES
    yield from _PROCESSOR


def _adapter_weights(ckpt: Checkpoint) -> list[str]:
    file = ckpt.adapter.weights_file if ckpt.adapter else None
    return [file] if file else []


def _has_added_tokens_decoder(ckpt: Checkpoint) -> bool:
    try:
        return "added_tokens_decoder" in ckpt.object("tokenizer_config.json")
    except FactUnavailable:
        return False


def refused_headers(ckpt: Checkpoint) -> Iterator[tuple[str, HeaderProblem]]:
    """The safetensors files that loading opens and safetensors refuses, with the first reason.

    Left out are files that are no attempt at weights: empty ones, pointers, error pages.

    Raises:
        FactUnavailable: a file cannot be read.
    """
    for name in weight_files(ckpt):
        if name.endswith(".safetensors") and ckpt.kind(name) not in STAND_INS:
            problem = next((problem for problem in ckpt.header(name).problems if problem.fatal), None)
            if problem is not None:
                yield name, problem
