"""Where the adapter's tensor names are in the base: its on-disk names, which need not be the run-time module names.

PEFT attaches adapters to the modules in memory; the files of the same model may spell them differently (a base saved
from the bare backbone; vision-language models before and after transformers 4.52, whose adapters PEFT 0.21.2 partly
ignores with no more than a warning). A spelling is chosen for the whole adapter, never tensor by tensor, and only if it
places everything; two different ways to place everything are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.base_names import spellings
from checkpoint_doctor.facts.printable import printable

_MOST_SHOWN = 3
_MOST_COMPARED = 5_000


def resolve(
    wanted: Collection[str],
    base: Collection[str],
    model_type: str | None,
    may_be_new: Callable[[str], bool] = lambda name: False,
) -> dict[str, str]:
    """The base's name of every tensor that the adapter changes.

    Args:
        wanted: tensor names in the adapter's spelling.
        base: tensor names of the base, as on disk.
        model_type: of the base, for the tables of vision-language models.
        may_be_new: whether a tensor may be missing in the base because the merge adds it.

    Raises:
        UserError: something cannot be placed, or there are two ways to place it all.
    """
    known = set(base)

    def fits(name: str) -> bool:
        return name in known or may_be_new(name)

    same = {name: name for name in wanted}
    if all(map(fits, wanted)):
        return same
    found: list[dict[str, str]] = []
    for spelling in spellings(known, model_type):
        placed = {name: spelling(name) for name in wanted}
        if all(map(fits, placed.values())) and len(set(placed.values())) == len(placed) and placed not in found:
            found.append(placed)
    if len(found) == 1:
        return found[0]
    if found:
        name = next(name for name in wanted if found[0][name] != found[1][name])
        raise UserError(
            f"{printable(name)} of the adapter could be {printable(found[0][name])} or {printable(found[1][name])}",
            "rename the adapter's tensors to the base's own names",
        )
    raise _unplaced([name for name in wanted if not fits(name)], known, len(wanted))


def _unplaced(missing: list[str], known: Collection[str], total: int) -> UserError:
    missing = sorted(missing)
    shown = ", ".join(printable(name) for name in missing[:_MOST_SHOWN])
    more = f" and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
    near = get_close_matches(missing[0][:300], list(known)[:_MOST_COMPARED], n=2, cutoff=0.7)
    hint = "this is not the base that the adapter was trained on"
    if near:
        hint += "; its closest names are " + " and ".join(printable(name) for name in near)
    return UserError(f"{len(missing)} of {total} tensors of the adapter have no place in the base: {shown}{more}", hint)
