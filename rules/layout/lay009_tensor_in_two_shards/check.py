"""Which of two values is loaded depends on the order of files, and on the release."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, TensorInfo, listed, same_values


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    if not chosen.index_file:
        return
    first: dict[str, TensorInfo] = {}
    twice: dict[str, list[tuple[TensorInfo, TensorInfo]]] = {}
    for file in chosen.files:
        for name, tensor in ckpt.tensors_of(file).items():
            earlier = first.setdefault(name, tensor)
            if earlier.file != file:
                twice.setdefault(file, []).append((earlier, tensor))
    for file, pairs in twice.items():
        if not same_values(ckpt, pairs):
            names = [tensor.name for _, tensor in pairs]
            others = sorted({tensor.file for tensor, _ in pairs})
            what = f"{len(names)} tensors" if len(names) > 1 else "a tensor"
            message = f"{listed([file])} holds {what} that {listed(others)} holds too, differently: {listed(names)}"
            yield Problem(message, file=file, evidence={"tensors": names[:50]})
