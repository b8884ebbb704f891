"""The base is an adapter: swapped arguments, a chain of adapters, or the adapter itself."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, command, printable

KEY = "/base_model_name_or_path"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    given = ckpt.base_location.how == "--base"
    if adapter is not None and ckpt.is_bare_adapter and adapter.names_itself and not given:
        name = printable(adapter.base_name or "")
        yield Problem(
            f"the adapter names itself as its base ({name})", KEY, evidence={"cure": "write the name of the real base"}
        )
        return
    base = ckpt.base
    if base is None or not base.is_bare_adapter:
        return
    if given and adapter is None:
        if ckpt.is_llava:
            return  # LLV002 says it with llava's arguments
        cure = command("ckpt-doctor", "check", base.root, "--base", ckpt.root)
        message = f"--base {printable(str(base.root))} is an adapter; the arguments are swapped"
        yield Problem(message, evidence={"cure": cure})
        return
    cure = command("ckpt-doctor", "fix", "--merge", base.root)
    further = base.adapter.base_name if base.adapter else None
    on = f" on {printable(further)}" if further else ""
    evidence = {"cure": f"merge that one first: {cure}; or give the full model with --base"}
    who = "--base" if given else "the base"
    yield Problem(
        f"{who} {printable(str(base.root))} is itself an adapter{on}", "" if given else KEY, evidence=evidence
    )
