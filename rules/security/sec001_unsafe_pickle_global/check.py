"""Names in pickles that torch.load refuses (weights), or that only an attack needs (any other file)."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, listed, opened_files

TORCH = (".bin", ".pt", ".pth")
PICKLES = (*TORCH, ".ckpt", ".pkl", ".pickle")
NAMED = ("pytorch_model", "adapter_model", "non_lora_trainables", "mm_projector")
UNREAD = {"too-large", "tar-format"}
DANGEROUS_MODULES = {
    "_posixsubprocess", "asyncio", "bdb", "code", "commands", "ctypes", "ftplib", "http", "httplib", "importlib", "nt",
    "os", "pdb", "popen2", "posix", "pty", "requests", "runpy", "shutil", "socket", "subprocess", "sys", "timeit",
    "urllib", "urllib2", "webbrowser",
}  # fmt: skip
# Modules that other modules hold as attributes: protocol 4 reaches os.system as "torch" and "os.system".
LEAKED_MODULES = {
    "_posixsubprocess", "ctypes", "importlib", "nt", "os", "posix", "pty", "runpy", "shutil", "socket", "subprocess",
    "sys",
}  # fmt: skip
DANGEROUS_BUILTINS = {"eval", "exec", "execfile", "compile", "open", "input", "__import__", "breakpoint"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    loaded = {name for name in opened_files(ckpt) if name.endswith(TORCH) and name.startswith(NAMED)}
    others = [name for name in ckpt.files if name.endswith(PICKLES) and name not in loaded]
    blocked = ""
    for file in [*sorted(loaded), *others]:
        try:
            found = ckpt.torch_file(file)
        except FactUnavailable as reason:
            blocked = blocked or reason.reason
            continue
        forbidden = found.forbidden
        # What our limits, but not Python's, keep us from reading may name anything.
        unread = next((problem.message for problem in found.problems if problem.kind in UNREAD), "")
        blocked = blocked or (f"{file}: {unread}" if unread else "")
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
    first, *rest = name.split(".")
    if first in ("builtins", "__builtin__"):
        return rest[0] in DANGEROUS_BUILTINS
    computed = "?" in (first, *rest)  # by the pickle while it is read, which no honest one does
    return computed or first in DANGEROUS_MODULES or not LEAKED_MODULES.isdisjoint(rest)
