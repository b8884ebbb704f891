"""Files that loading opens are Git LFS pointers; one finding, because one command fetches them all."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, lfs_pointer, opened_files, printable, weight_files

# Weights of other libraries; they count where there are none that transformers or PEFT would open.
OTHER_WEIGHTS = (".gguf", ".onnx", ".h5", ".keras", ".msgpack", ".pb", ".tflite", ".ckpt")
MOST_NAMED = 3
UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    names = opened_files(ckpt)
    if not weight_files(ckpt):
        names += [name for name, info in ckpt.files.items() if name.endswith(OTHER_WEIGHTS) and info.followed]
    sizes: dict[str, int | None] = {}
    for name in names:
        if ckpt.kind(name) == "lfs-pointer":
            pointer = lfs_pointer(ckpt.head(name))
            sizes[name] = pointer.size if pointer else None
    if not sizes:
        return
    shown = [f"{printable(name)} ({_size(size)})" for name, size in sizes.items()]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    what = "a Git LFS pointer" if len(shown) == 1 else "Git LFS pointers"
    total = _size(sum(size or 0 for size in sizes.values()))
    message = f"{', '.join(shown[:MOST_NAMED])}{more}: {what}, {total} not fetched"
    yield Problem(message, file=next(iter(sizes)), evidence={"sizes": sizes})


def _size(number: int | None) -> str:
    if number is None:
        return "size unknown"
    limit, unit = next(pair for pair in UNITS if number >= pair[0] or pair[0] == 1)
    return f"{number / limit:.3g} {unit}" if limit > 1 else f"{number} {unit}"
