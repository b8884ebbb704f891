"""Parts of a model by rank and nothing that transformers reads."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed

CURES = {
    "DeepSpeed": "run zero_to_fp32.py, which DeepSpeed put beside the folder: python zero_to_fp32.py . OUT",
    "FSDP": "gather the parts: accelerate merge-weights FOLDER OUT",
    "torch.distributed.checkpoint": "gather the parts: accelerate merge-weights FOLDER OUT",
    "verl": "gather the parts: python -m verl.model_merger merge --backend fsdp --local_dir FOLDER --target_dir OUT",
    "Megatron": "convert the parts with the tools of the Megatron that saved them",
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format != "none" or ckpt.adapter is not None or layout.shard_sets(ckpt.files):
        return
    if any(name.rpartition("/")[2] in layout.WEIGHT_NAMES for name in ckpt.files):
        return
    for program, names in layout.distributed(ckpt.files).items():
        message = f"no weights that transformers reads, only parts in the format of {program}: {listed(names)}"
        yield Problem(message, file=names[0], evidence={"cure": CURES[program]})
        return
