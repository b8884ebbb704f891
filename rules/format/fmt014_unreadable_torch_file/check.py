"""Torch files that cannot be read whole; what their pickles name is SEC001."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import STAND_INS, Checkpoint, Problem, describe_kind, weight_files

# Names that the libraries open; a file of another name is judged only when it is a PyTorch file in its first bytes.
LOADED = ("pytorch_model", "adapter_model", "non_lora_trainables", "mm_projector")
KINDS = {
    "not-a-torch-file", "truncated", "malformed-pickle", "encrypted", "compressed-entry", "malformed-zip",
    "torchscript", "tar-format", "storage-missing", "storage-too-short",
}  # fmt: skip


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in weight_files(ckpt):
        if file.endswith(".safetensors"):
            continue
        kind = ckpt.kind(file)
        if kind in STAND_INS or not (file.startswith(LOADED) or kind in ("torch-zip", "torch-legacy")):
            continue
        torch_file = ckpt.torch_file(file)
        found = next((problem for problem in torch_file.problems if problem.fatal and problem.kind in KINDS), None)
        if found is None or torch_file.forbidden:
            continue
        message = f"{file}: {found.message}"
        if found.kind == "not-a-torch-file":
            message = f"{file} is {describe_kind(kind)}, not a PyTorch file"
        evidence = {}
        if kind == "safetensors":
            evidence["cure"] = "rename the file: its ending must be .safetensors (model.safetensors for a whole model)"
        yield Problem(message, file=file, evidence=evidence)
