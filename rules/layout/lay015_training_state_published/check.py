"""What training needs and loading does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed

OPTIMIZER = re.compile(
    r"(?:.*/)?(?:optimizer(?:[_ (-].*)?\.(?:pt|bin)|.*_optim_states\.pt|optim_world_size_\d+_rank_\d+\.pt)"
)
OTHER = re.compile(
    r"(?:.*/)?(?:rng_state.*|random_states.*|scheduler|scaler|extra_state_world_size.*)\.(?:pth|pt|pkl|bin)"
)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format == "none" and ckpt.adapter is None:
        return
    states = [name for name in ckpt.files if OPTIMIZER.fullmatch(name)]
    if not states:
        return
    names = states + [name for name in ckpt.files if OTHER.fullmatch(name)]
    size = sum(ckpt.files[name].size for name in names) / 2**20
    what = f"{len(names)} files of training state" if len(names) > 1 else "training state"
    amount = f"{size:,.0f} MiB" if size >= 1 else "less than 1 MiB"
    yield Problem(f"{what} ({amount}): {listed(names)}", file=states[0])
