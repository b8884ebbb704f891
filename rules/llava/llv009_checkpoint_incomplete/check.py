"""checkpoint-N inside a run: llava writes config.json and non_lora_trainables.bin only at the very end."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not llava.is_intermediate(ckpt.root) or not ckpt.is_bare_adapter:
        return
    if adapter.weights_file is None or ckpt.has(llava.NON_LORA_FILE) or not _of_llava(ckpt):
        return
    if any("language_model." in name or "mm_projector." in name for name in adapter.tensors):
        return  # transformers' own llava, or a run that keeps the projector in the adapter
    missing = [name for name in ("config.json", llava.NON_LORA_FILE) if not ckpt.has(name)]
    folders = sorted({name.split("/")[0] for name in ckpt.files if name.startswith("global_step")})
    cure = "merge the run's final directory instead; the projector of this step was not saved with it"
    if folders:
        cure = (
            f"get this step's projector out of {printable(folders[0])} (DeepSpeed's zero_to_fp32.py, then the tensors "
            "whose name has mm_projector); that of the final directory belongs to another step"
        )
    yield Problem(f"{printable(ckpt.name)} has no {' and no '.join(missing)}", evidence={"cure": cure})


def _of_llava(ckpt: Checkpoint) -> bool:
    if ckpt.is_llava:
        return True
    if ckpt.has("config.json"):
        return False
    if ckpt.base is not None:
        return ckpt.base.is_llava
    name = ckpt.base_location.name.rstrip("/").lower()
    return "llava" in name and not name.startswith("llava-hf/") and not name.endswith("-hf")
