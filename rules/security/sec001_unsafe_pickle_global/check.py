"""Names in pickles that torch.load refuses (weights), or that only an attack needs (any other file)."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, listed, opened_files

TORCH = (".bin", ".pt", ".pth")
PICKLES = (*TORCH, ".ckpt", ".pkl", ".pickle")
NAMED = ("pytorch_model", "adapter_model", "non_lora_trainables", "mm_projector")
DANGEROUS_MODULES = {
    "_posixsubprocess", "asyncio", "bdb", "code", "commands", "ctypes", "ftplib", "http", "httplib", "importlib", "nt",
    "os", "pdb", "popen2", "posix", "pty", "requests", "runpy", "shutil", "socket", "subprocess", "sys", "timeit",
    "urllib", "urllib2", "webbrowser",
}  # fmt: skip
DANGEROUS_BUILTINS = {"eval", "exec", "execfile", "compile", "open", "input", "__import__", "breakpoint"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    loaded = {name for name in opened_files(ckpt) if name.endswith(TORCH) and name.startswith(NAMED)}
    others = [name for name in ckpt.files if name.endswith(PICKLES) and name not in loaded]
    blocked = ""
    for file in [*sorted(loaded), *others]:
        try:
            forbidden = ckpt.torch_file(file).forbidden
        except FactUnavailable as reason:
            blocked = blocked or reason.reason
            continue
        dangerous = [name for name in forbidden if _is_dangerous(name)]
        if dangerous:
            message = f"{file} would run {listed(dangerous)}"
        elif forbidden and file in loaded:
            message = f"{file} names {listed(list(forbidden))}, which torch.load(weights_only=True) refuses"
        else:
            continue
        yield Problem(message, file=file, evidence={"globals": list(forbidden[:20])})
    if blocked:
        raise FactUnavailable(blocked)


def _is_dangerous(name: str) -> bool:
    module, _, function = name.rpartition(".")
    if module in ("builtins", "__builtin__"):
        return function in DANGEROUS_BUILTINS
    return module.split(".")[0] in DANGEROUS_MODULES
