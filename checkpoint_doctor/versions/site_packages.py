"""Which packages an environment has, from the names of its metadata folders; nothing is imported or run.

importlib.metadata would take 33 ms for what os.scandir tells in one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from checkpoint_doctor.errors import UserError

# Everything that version knowledge is, or may come to be, about.
_NAMES = """
    accelerate amd-quark aqlm auto-gptq auto-round autoawq autoawq-kernels bitsandbytes compressed-tensors
    diffusers eetq fbgemm-gpu fbgemm-gpu-genai flash-attn flute-kernel fouroversix fp-quant gguf gptqmodel
    hqq huggingface-hub kernels llm-awq ml-dtypes numpy optimum optimum-quanto peft protobuf quanto quark
    qutlass safetensors sentencepiece sglang sinq spqr-quant tiktoken timm tokenizers torch torchao
    torchvision transformers triton vllm vptq
"""
PACKAGES = frozenset(_NAMES.split())
SITES = ("site-packages", "dist-packages")
HINT = "give an interpreter (venv/bin/python), a venv's folder or a site-packages folder"
MAX_ENTRIES = 100_000
MAX_PATHS = 200
MAX_CFG_BYTES = 1 << 16


def normalised(name: str) -> str:
    """A distribution's name as the package index compares it: Flash_Attn is flash-attn."""
    return re.sub(r"[-_.]+", "-", name).lower()


def here() -> dict[str, str]:
    """Name to version of what this interpreter would import, "python" included."""
    found = _scan(path or "." for path in sys.path)
    return {**found, "python": ".".join(map(str, sys.version_info[:3]))} if found else {}


def of(path: Path) -> dict[str, str]:
    """Name to version of what another environment has.

    Args:
        path: an interpreter (venv/bin/python), a venv's or prefix's folder, or a site-packages folder.

    Raises:
        UserError: it is none of these.
    """
    if not os.path.exists(path):
        raise UserError(f"{path} does not exist", HINT)
    is_folder = os.path.isdir(path)
    if not is_folder and "python" not in path.name.lower():
        raise UserError(f"{path} is no Python interpreter", HINT)
    prefix = _prefix(path, is_folder=is_folder)
    settings = _pyvenv(prefix)
    if path.name in SITES and is_folder:
        folders = [path]
    else:
        folders = list(_site_folders(prefix))
        if not folders and not is_folder:
            folders = list(_site_folders(Path(os.path.realpath(path)).parent.parent))
        if not folders and is_folder and _scan([str(path)]):
            folders = [path]  # pip install --target DIR
    if not folders:
        raise UserError(f"no site-packages was found at {path}", HINT)
    if settings.get("include-system-site-packages", "").lower() == "true" and settings.get("home"):
        folders += _site_folders(Path(settings["home"]).parent)
    found = _scan(map(str, folders))
    version = settings.get("version_info") or settings.get("version") or ""
    if match := re.match(r"\d+\.\d+(?:\.\d+)?", version):
        found["python"] = match[0]
    return found


def _prefix(path: Path, *, is_folder: bool) -> Path:
    """The folder of the environment: of PREFIX/bin/python, PREFIX/bin and PREFIX/lib/python3.11/site-packages."""
    if not is_folder:
        return path.parent.parent
    if path.name in SITES and len(path.parents) > 2:
        return path.parents[2]
    return path.parent if path.name in ("bin", "Scripts") else path


def _site_folders(prefix: Path) -> Iterator[Path]:
    """The site-packages folders of an installation, by the layouts that CPython and Debian use; newest Python first."""
    for library in ("lib", "lib64", "local/lib"):
        try:
            names = os.listdir(prefix / library)
        except OSError:
            continue
        versions = sorted((name for name in names if re.fullmatch(r"(?:python|pypy)3(?:\.\d+)?t?", name)), key=_minor)
        for name in reversed(versions):
            for folder in SITES:
                if os.path.isdir(prefix / library / name / folder):
                    yield prefix / library / name / folder
    if os.path.isdir(prefix / "Lib" / "site-packages"):  # Windows
        yield prefix / "Lib" / "site-packages"


def _minor(name: str) -> int:
    return int((re.findall(r"\.(\d+)", name) or ["0"])[0])


def _pyvenv(folder: Path) -> dict[str, str]:
    try:
        with open(folder / "pyvenv.cfg", encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_CFG_BYTES)
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs if key.strip()}


def _scan(paths: Iterable[str]) -> dict[str, str]:
    """The packages of interest below these folders; the first folder that has one wins, as at import."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for number, path in enumerate(paths):
        if number == MAX_PATHS:
            break
        if path in seen or path.endswith(".zip"):
            continue
        seen.add(path)
        for name, version in _in_folder(path):
            found.setdefault(name, version)
    return found


def _in_folder(path: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(path) as entries:
            for number, entry in enumerate(entries):
                if number == MAX_ENTRIES:
                    return
                if not entry.name.endswith("-info"):
                    continue
                name = entry.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
                if name in PACKAGES and (version := _version(entry.name)):
                    yield name, version
    except OSError:
        return


def _version(folder: str) -> str:
    """The version in NAME-VERSION.dist-info or NAME-VERSION[-pyX.Y[-platform]].egg-info, "" when there is none."""
    stem, _, kind = folder.rpartition(".")
    parts = stem.split("-")
    told = kind in ("dist-info", "egg-info") and len(parts) > 1 and (kind == "egg-info" or len(parts) == 2)
    return parts[1] if told else ""
