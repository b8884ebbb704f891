"""Links to nothing in the place of files that matter; one finding, because one copy went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, named_files, printable

# Without these a tokenizer loads as it does when the dangling links are deleted.
NOT_MISSED = {"special_tokens_map.json", "added_tokens.json", "chat_template.json"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = [name for name in named_files(ckpt) if ckpt.files[name].link == "dangling" and name not in NOT_MISSED]
    if found:
        target = printable(ckpt.files[found[0]].target)
        what = "links to" if len(found) == 1 else "link to nothing, the first to"
        yield Problem(f"{listed(found)} {what} {target}, which does not exist", file=found[0])
