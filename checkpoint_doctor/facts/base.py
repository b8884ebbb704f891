"""Where the base model of an adapter lies on this machine; nothing is downloaded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?\Z", re.ASCII)
_REVISION = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True, slots=True)
class BaseLocation:
    """Outcome of the search.

    Attributes:
        path: the directory, or None.
        how: where it was found, for people: "--base", "relative to the adapter", "hub cache" and so on.
        name: what was looked for.
    """

    path: Path | None
    how: str
    name: str


def locate(name: str | None, adapter_root: Path, revision: str | None = None) -> BaseLocation:
    """Find the directory that `base_model_name_or_path` means.

    Order: as a path relative to the adapter, then to the working directory, then the local Hugging Face cache. A path
    that leads back to the adapter itself is no base. Only directories with a config.json count, and other adapters,
    which are no bases either, but the rules want to say so.
    """
    if not name or "\0" in name or len(name) > 4096:
        return BaseLocation(None, "", name or "")
    places = [(adapter_root / name, "relative to the adapter"), (Path(name), "relative to the working directory")]
    if os.path.isabs(name):
        places = [(Path(name), "absolute path")]
    elif "/" in name and not name.startswith("."):
        # A run is often moved together with its base, but seldom with the whole tree above them.
        places.append((adapter_root.parent / Path(name).name, "beside the adapter"))
    for path, how in places:
        if _is_model_directory(path) and not _same(path, adapter_root):
            return BaseLocation(_tidy(path), how, name)
    cached = _in_hub_cache(name, revision)
    return BaseLocation(cached, "hub cache" if cached else "", name)


def _is_model_directory(path: Path) -> bool:
    try:
        return path.is_dir() and any((path / name).is_file() for name in ("config.json", "adapter_config.json"))
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return False


def _same(left: Path, right: Path) -> bool:
    try:
        return os.path.samefile(left, right)
    except (OSError, ValueError):
        return False


def _tidy(path: Path) -> Path:
    """Without "x/.." parts, for people; unless links make that another directory."""
    tidy = Path(os.path.normpath(path))
    return tidy if _same(tidy, path) else path


def hub_cache() -> Path:
    """The cache folder by huggingface_hub's rules (constants.py): HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, home."""
    direct = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if direct:
        return Path(direct).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    return Path(os.path.expanduser(home)) / "hub"


def _in_hub_cache(name: str, revision: str | None) -> Path | None:
    if not REPO_ID.match(name) or ".." in name:
        return None
    repository = hub_cache() / ("models--" + name.replace("/", "--"))
    commit = revision or "main"
    if not _REVISION.match(commit):
        if not re.fullmatch(r"[\w.-]+", commit):
            return None
        try:
            with open(repository / "refs" / commit, encoding="ascii") as file:
                commit = file.read(64).strip()
        except (OSError, ValueError):
            return None
        if not _REVISION.match(commit):
            return None
    snapshot = repository / "snapshots" / commit
    return snapshot if _is_model_directory(snapshot) else None
