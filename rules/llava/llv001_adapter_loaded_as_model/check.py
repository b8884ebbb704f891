"""A LoRA run's directory has a config.json like a model's, so it is taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, command, llava, merge_fix, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, model_type = ckpt.adapter, ckpt.model_type
    if adapter is None or model_type is None or not ckpt.is_bare_adapter or not adapter.config_file:
        return
    if adapter.weights_file is None:
        return  # there is nothing to merge either: that is said by the rules about adapters
    files = [name for name in ("tokenizer_config.json", "tokenizer.model", "tokenizer.json") if ckpt.has(name)]
    if files:
        message = "this is the output of a LoRA run, not a loadable model"
        happens = (
            "transformers 4.x loads the base named in adapter_config.json and puts the LoRA on it; the projector "
            f"trained with it, in {llava.NON_LORA_FILE}, is never read, and image answers are wrong without a word"
        )
    else:
        message = "this is the output of a LoRA run, not a loadable model; it has no tokenizer"
        happens = f"AutoTokenizer.from_pretrained({printable(ckpt.name)!r}) raises {llava.tokenizer_error(model_type)}"
        if model_type in llava.PACKAGE_TYPES:
            happens += "; without the package ValueError: … does not recognize this architecture"
    yield Problem(message, "/model_type", fix=_fix(ckpt), evidence={"happens": happens})


def _fix(ckpt: Checkpoint) -> Fix:
    fix, base = merge_fix(ckpt), ckpt.base_location
    if base.path is not None:
        return fix
    if not base.name:
        return replace(fix, title=f"find the base that the run started from, then: {fix.title}")
    if base.name.count("/") == 1 and base.name[0].isalnum():
        fetch = command("hf", "download", base.name, "--local-dir", base.name)
        return replace(fix, title=f"get the base first: {fetch} && {fix.title}")
    return replace(fix, title=f"the base {printable(base.name)} is not here; bring it, then: {fix.title}")
