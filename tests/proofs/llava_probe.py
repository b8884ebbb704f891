"""Run by test_llava.py in another interpreter: what transformers says about a directory.

    python llava_probe.py with|without DIRECTORY...

With "with" it first registers stand-ins for the llava package's classes, named and registered as there: config
classes with AutoConfig, models with AutoModelForCausalLM, and nothing with AutoTokenizer. They have the projector and
image_newline, and no vision tower. Prints one JSON object, by directory: an exception as "Type: text", or what was
found.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    MistralConfig,
    MistralForCausalLM,
    MistralModel,
)


def register(prefix: str, model_type: str, config: type, inner: type, outer: type, head: str) -> None:
    """One family as llava/model/language_model/llava_*.py defines it."""
    own_config = type(f"{prefix}Config", (config,), {"model_type": model_type})

    def init_inner(self: Any, config: Any) -> None:
        inner.__init__(self, config)
        if hasattr(config, "mm_vision_tower"):
            first = nn.Linear(config.mm_hidden_size, config.hidden_size)
            if config.mm_projector_type == "linear":
                self.mm_projector = first
            else:
                self.mm_projector = nn.Sequential(first, nn.GELU(), nn.Linear(config.hidden_size, config.hidden_size))
            if "unpad" in getattr(config, "mm_patch_merge_type", ""):
                self.image_newline = nn.Parameter(torch.empty(config.hidden_size))

    own_inner = type(f"{head}Model", (inner,), {"config_class": own_config, "__init__": init_inner})

    def init_outer(self: Any, config: Any) -> None:
        outer.__bases__[0].__init__(self, config)
        self.model = own_inner(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    own_outer = type(f"{head}ForCausalLM", (outer,), {"config_class": own_config, "__init__": init_outer})
    AutoConfig.register(model_type, own_config)
    AutoModelForCausalLM.register(own_config, own_outer)


def said(call: Callable[[], Any]) -> Any:
    """The value of the call, or its exception in a line."""
    try:
        return call()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


def load(path: str) -> dict[str, Any]:
    model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
    lora = [name for name, _ in model.named_parameters() if ".lora_" in name]
    return {"class": type(model).__name__, **{key: sorted(map(str, info[key])) for key in info}, "lora": len(lora)}


def main(package: str, *paths: str) -> None:
    if package == "with":
        register("Llava", "llava_llama", LlamaConfig, LlamaModel, LlamaForCausalLM, "LlavaLlama")
        register("LlavaMistral", "llava_mistral", MistralConfig, MistralModel, MistralForCausalLM, "LlavaMistral")
    answers = {
        path: {
            "config": said(lambda path=path: type(AutoConfig.from_pretrained(path)).__name__),
            "tokenizer": said(lambda path=path: type(AutoTokenizer.from_pretrained(path)).__name__),
            "model": said(lambda path=path: load(path)),
        }
        for path in paths
    }
    print(json.dumps(answers, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
