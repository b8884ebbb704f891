"""mlp2x_gelu with two layers of the right widths, and so on; a missing layer is never reported by llava."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, TensorInfo, listed, llava


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    shapes = llava.projector_shapes(ckpt.config)
    if not shapes:
        return
    for file, tensors in _sources(ckpt):
        found = {
            suffix: tensor
            for name, tensor in tensors.items()
            if (suffix := name.rpartition("mm_projector.")[2]) != name and llava.PROJECTOR_TENSOR.match(suffix)
        }
        if found and (wrong := _wrong(found, shapes)):
            kind = ckpt.config.get("mm_projector_type", "linear")
            place = "/mm_projector_type" if "mm_projector_type" in ckpt.config else ""
            yield Problem(f"{file} does not hold the {kind} projector of config.json: {wrong}", place)


def _sources(ckpt: Checkpoint) -> Iterator[tuple[str, dict[str, TensorInfo]]]:
    for file in (llava.NON_LORA_FILE, llava.PROJECTOR_FILE):
        if ckpt.has(file):
            yield file, ckpt.tensors_of(file)
    if ckpt.weights.format != "none":
        yield ckpt.weights.index_file or ckpt.weights.files[0], dict(ckpt.tensors)


def _wrong(found: dict[str, TensorInfo], shapes: dict[str, tuple[int, ...]]) -> str:
    for suffix, tensor in sorted(found.items()):
        if tensor.shape == (0,):
            return f"mm_projector.{suffix} is empty, as DeepSpeed ZeRO-3 leaves it when it was not gathered"
        if suffix in shapes and tensor.shape != shapes[suffix]:
            return f"mm_projector.{suffix} is {list(tensor.shape)}, not {list(shapes[suffix])}"
    missing = [f"mm_projector.{suffix}" for suffix in shapes if suffix not in found]
    if missing:
        return f"no {listed(missing)}"
    extra = [f"mm_projector.{suffix}" for suffix in found if suffix not in shapes]
    return f"{listed(extra)} would not be used" if extra else ""
