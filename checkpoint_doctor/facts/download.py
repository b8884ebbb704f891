"""Fetch a base from the Hugging Face Hub; the only code that touches the network, and only when asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.base import REPO_ID

# What a merge needs: the weights in one format and the small files; no other frameworks' weights, no training state.
SMALL_FILES = ["*.json", "*.model", "*.txt", "*.jinja", "*.py", "tokenizer*", "merges*", "vocab*"]


def fetch(name: str, revision: Any = None) -> Path:
    """Download a model repository into the local cache and give its directory.

    Raises:
        UserError: the name is no repository, or it could not be fetched.
    """
    if not REPO_ID.match(name) or ".." in name:
        raise UserError(f"{name} is a path, not a repository on the Hub", "give the base's directory with --base")
    from huggingface_hub import snapshot_download

    wanted = revision if isinstance(revision, str) else None
    try:
        folder = Path(snapshot_download(name, revision=wanted, allow_patterns=[*SMALL_FILES, "*.safetensors"]))
        if not any(folder.glob("*.safetensors")):
            snapshot_download(name, revision=wanted, allow_patterns=["pytorch_model*"])
        return folder
    except Exception as problem:
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        raise UserError(f"cannot fetch {name}: {reason}", "check the name, the network and your access") from problem
