"""Another format under the name of a safetensors file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, describe_kind, refused_headers

PICKLES = ("torch-zip", "torch-legacy", "pickle")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file, problem in refused_headers(ckpt):
        kind = ckpt.kind(file)
        if kind == "safetensors" or (kind == "binary" and problem.kind != "header-too-large"):
            continue
        yield Problem(f"{file} is {describe_kind(kind)}", file=file, evidence=_evidence(file, kind))


def _evidence(file: str, kind: str) -> dict[str, str]:
    if kind in PICKLES:
        name = file.removesuffix(".safetensors").replace("model", "pytorch_model", 1) + ".bin"
        if file.startswith("adapter_model"):
            name = "adapter_model.bin"
        return {"cure": f"if you trust its origin, rename it to {name}; better, ask for real safetensors"}
    if kind == "gguf":
        return {"cure": "rename it to .gguf and load it with llama.cpp, or with from_pretrained(…, gguf_file=…)"}
    if kind == "zeros":
        return {"cure": "download the file again: this one was set aside on the disk and never written"}
    return {}
