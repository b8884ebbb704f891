"""What a merged directory is called when the user does not say."""

from __future__ import annotations

import os
import re
from pathlib import Path

# "lora" as a word of its own in a directory name, with the separator before it: task-lora, task_qlora, lora-task.
_LORA_WORD = re.compile(r"(?:[-_.](?:q?lora|adapter)(?=[-_.]|\Z))|(?:\A(?:q?lora|adapter)[-_.])", re.IGNORECASE)


def merged_path(adapter: Path, is_llava: bool) -> Path:
    """A new directory beside the adapter: its name without the word "lora", or with "-merged".

    LLaVA's loader chooses classes by the name, where "lora" means an unmerged adapter and "llava" must be present
    (llava/model/builder.py at c121f04), so for LLaVA the name is made to say so.
    """
    adapter = adapter.absolute()
    stem = adapter.name
    if stem.startswith("checkpoint-"):
        stem = f"{adapter.parent.name}-{stem}"
    name = _LORA_WORD.sub("", stem)
    if is_llava:
        name = re.sub("lora", "", name, flags=re.IGNORECASE)
        if "llava" not in name.lower():
            name = f"llava-{name}"
    if name == stem or not name:
        name = f"{name or 'model'}-merged"
    candidate = adapter.parent / name
    while os.path.lexists(candidate):  # unlike exists(), also for links, and for names that no file can have
        candidate = candidate.with_name(candidate.name + "-merged")
    return candidate


def shorten(path: Path) -> Path:
    """The path relative to the working directory when it lies below it, for commands that a person will read."""
    try:
        return Path(os.path.abspath(path)).relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
