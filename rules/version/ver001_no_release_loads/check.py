"""The constraints of each package held against each other; what breaks one of them has a rule of its own."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, colliding, loads_with


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    loads = loads_with(ckpt)
    told: list[set[str]] = []
    for package, found in loads.ranges.items():
        reasons = colliding(found)
        # What tokenizers cannot read is a reason about transformers, too: it is told once.
        texts = {reason.reason.partition(f" ({reason.detail.get('through')} ")[0] for reason in reasons}
        if not reasons or any(texts <= other for other in told):
            continue
        if loads.unseen:
            raise FactUnavailable(loads.unseen[0])
        told.append(texts)
        last = reasons[-1]
        both = "both" if len(reasons) == 2 else "all"
        listed = "; and ".join(f"{reason.reason} ({package} {reason.allowed})" for reason in reasons)
        places = " or ".join(f"{reason.file} {reason.pointer}".strip() for reason in reasons)
        fix = next((reason.fix for reason in reasons if reason.fix is not None), None)
        cure = f"change {places}, so that one release can read {both}"
        message = f"no release of {package} meets {both}: {listed}"
        yield Problem(message, last.pointer, last.file, fix, {"cure": cure})
