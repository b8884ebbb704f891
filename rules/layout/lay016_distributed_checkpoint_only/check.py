"""Parts of a model by rank and nothing that transformers reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from checkpoint_doctor.sdk import Checkpoint, Problem, command, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format != "none" or ckpt.adapter is not None or layout.shard_sets(ckpt.files):
        return
    if any(name.rpartition("/")[2] in layout.WEIGHT_NAMES for name in ckpt.files):
        return
    for program, names in layout.distributed(ckpt.files).items():
        message = f"no weights that transformers reads, only parts in the format of {program}: {listed(names)}"
        yield Problem(message, file=names[0], evidence={"cure": _cure(program, ckpt.root, names[0])})
        return


def _cure(program: str, root: Path, part: str) -> str:
    folder = (root / part).parent
    if program == "DeepSpeed":
        above = folder.parent if "/" in part else root / ".."
        call = command("python", above / "zero_to_fp32.py", above, "OUT")
        return f"run zero_to_fp32.py, which DeepSpeed put beside the folder: {call}"
    if program in ("FSDP", "torch.distributed.checkpoint"):
        return "gather the parts: " + command("accelerate", "merge-weights", folder, "OUT")
    if program == "verl":
        words = ("merge", "--backend", "fsdp", "--local_dir", folder, "--target_dir", "OUT")
        return "gather the parts: " + command("python", "-m", "verl.model_merger", *words)
    return "convert the parts with the tools of the Megatron that saved them"
