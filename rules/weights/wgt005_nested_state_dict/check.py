"""The tensors are there, one level too deep."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format != "torch":
        return
    for file in ckpt.weights.files:
        found = ckpt.torch_file(file)
        if not found.wrapper or not found.tensors or not found.readable:
            continue
        steps = "".join(f"[{printable(key)!r}]" for key in found.wrapper)
        names = listed([tensor.name for tensor in found.tensors])
        cure = f'save torch.load("{printable(file)}", weights_only=True){steps} as the state dict'
        message = f"the {len(found.tensors)} tensors are not at the top but under {steps}: {names}"
        yield Problem(message, file=file, evidence={"cure": cure})
