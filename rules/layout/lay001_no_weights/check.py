"""A model's config without weights of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, command, knowledge, layout, listed, subject_kind

# Whoever has a file like this loads it with another library, or with an argument that we do not see.
OTHER_WEIGHTS = re.compile(
    r".*\.(?:pt|pth|ckpt|h5|hdf5|keras|pb|msgpack|onnx|gguf|ggml|npz|npy|tflite|mlmodel|ot|nemo|pdparams|engine|plan|xml"
    r"|pkl|joblib|distcp|index|zip|tar|gz|llamafile|mlpackage|params|dduf)"
    r"|(?:.*/)?(?:model|pytorch_model)[.-](?!safetensors\Z).*\.(?:safetensors|bin)"
    r"|(?:.*/)?(?:consolidated|diffusion_pytorch_model|open_clip|openvino|adapter_model|model\.bin).*",
    re.IGNORECASE,
)
NO_WEIGHTS = re.compile(r"(?:.*/)?(?:training_args|optimizer|scheduler|scaler|rng_state|random_states|trainer_state).*")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format != "none" or ckpt.adapter is not None or subject_kind(ckpt) not in ("model", "llava-model"):
        return
    config = ckpt.config
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or not architectures or "transformers_weights" in config:
        return
    if ckpt.is_llava and config.get("tune_mm_mlp_adapter") is True:
        return  # LLV007: a run that trained the projector alone has no other weights
    if layout.shard_sets(ckpt.files) or set(layout.WEIGHT_NAMES) & {*layout.unfinished(ckpt), *layout.misspelled(ckpt)}:
        return
    candidates = [name for name in ckpt.files if not NO_WEIGHTS.fullmatch(name)]
    if any(OTHER_WEIGHTS.fullmatch(name) for name in candidates):
        return
    message = f"config.json describes {listed([str(architectures[0])])}, but there are no weights"
    own = [name for name in candidates if name.endswith((".safetensors", ".bin"))]
    if not own:
        yield Problem(message)
    elif len(own) == 1 and "/" not in own[0] and knowledge.find("model_type", ckpt.model_type or ""):
        target = "model.safetensors" if own[0].endswith(".safetensors") else "pytorch_model.bin"
        fix = Fix(command("mv", ckpt.root / own[0], ckpt.root / target), "display")
        yield Problem(f"{message} under a name that is looked for, only {listed(own)}", fix=fix)
