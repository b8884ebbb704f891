"""PEFT that does not import beside the transformers at hand."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, have, importable_peft, install_line, loads_with


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    peft, transformers = have(ckpt, "peft"), have(ckpt, "transformers")
    if ckpt.environment.assumed or peft is None or transformers is None or peft.newer or transformers.newer:
        return
    fits = importable_peft(transformers.releases)
    if peft.releases & fits or ckpt.adapter is None or ckpt.adapter.library != "PEFT":
        return
    good = install_line("peft", loads_with(ckpt).ranges["peft"].allowed & fits)
    message = f"{ckpt.environment.source}: PEFT {peft.text} cannot be imported beside transformers {transformers.text}"
    yield Problem(message, evidence={"cure": good} if good else {})
