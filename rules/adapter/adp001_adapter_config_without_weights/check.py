"""PEFT's config is there, its weights are not; full weights beside it cannot be loaded either."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, command, listed, printable

# Where other tools and older runs put the tensors of an adapter.
OTHER_NAMES = ("adapters.safetensors", "adapter.safetensors", "pytorch_adapter.bin", "adapter.bin", "adapter_model.pt")
BESIDE_FULL = {
    "happens": "AutoModel… raises FileNotFoundError (transformers 5.23.0) or HFValidationError (4.57.6): "
    "where adapter_config.json stands, it wants an adapter, and the full weights are not loaded",
    "cure": "if the full weights are the merged model, delete adapter_config.json; if not, copy the adapter file here",
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not adapter.config_file or adapter.weights_file or adapter.library != "PEFT":
        return
    if ckpt.weights.format != "none":
        names = [ckpt.weights.index_file or ckpt.weights.files[0]]
        yield Problem(
            f"adapter_config.json stands beside full weights ({listed(names)}), no adapter file", evidence=BESIDE_FULL
        )
        return
    parts = [name for name in ckpt.files if name.startswith("adapter_model-") or name in OTHER_NAMES]
    nested = [name for name in ckpt.files if name.endswith(("/adapter_model.safetensors", "/adapter_model.bin"))]
    if parts:
        message = f"there is no adapter_model.safetensors; PEFT does not read {listed(parts)}"
        yield Problem(
            message, evidence={"cure": "convert that file to adapter_model.safetensors; a new name alone is not enough"}
        )
    elif nested:
        folder = nested[0].rpartition("/")[0]
        cure = f"give the directory that has both files: {command('ckpt-doctor', 'check', ckpt.root / folder)}"
        yield Problem(f"there is no adapter_model file here, but one in {printable(folder)}", evidence={"cure": cure})
    else:
        yield Problem("there is no adapter_model.safetensors and no adapter_model.bin")
