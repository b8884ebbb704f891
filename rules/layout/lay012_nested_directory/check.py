"""Nothing here, one checkpoint below."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, command, layout, listed

CONFIGS = ("config.json", "adapter_config.json")
# With one of these in it, the directory is something of its own.
OWN = (*CONFIGS, *layout.WEIGHT_NAMES, "model_index.json", "modules.json", "params.json", "tokenizer.json")
WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".ckpt", ".onnx", ".npz", ".h5", ".msgpack")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    top = [name for name in ckpt.files if "/" not in name]
    own = any(name in OWN or name.endswith(WEIGHTS) for name in top)
    if own or layout.distributed(top) or layout.misspelled(ckpt):
        return
    holders = {name.rpartition("/")[0] for name in ckpt.files if name.rpartition("/")[2] in CONFIGS}
    weighty = {name.rpartition("/")[0] for name in ckpt.files if name.rpartition("/")[2] in layout.WEIGHT_NAMES}
    if len(holders) != 1 or not holders <= weighty:
        return
    (folder,) = holders
    fix = Fix(command("ckpt-doctor", "check", ckpt.root / folder), "display")
    message = f"there is no config.json here; the checkpoint lies in {listed([folder])}"
    yield Problem(message, fix=fix, evidence={"cure": f"give the folder {listed([str(ckpt.root / folder)])} instead"})
