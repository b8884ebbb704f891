"""Weights as pickles, which recent releases of transformers read with a recent torch only."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable

# utils/import_utils.py, check_torch_load_is_safe: since 4.52.0, for CVE-2025-32434.
REFUSES = VersionSet((45200,))
SAFE_TORCH = VersionSet((20600,))


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "torch-file", about torch; only where it is told, beside a transformers that asks for it."""
    packages = ckpt.environment.packages
    transformers = packages.get("transformers")
    if ckpt.weights.format == "torch" and "torch" in packages and transformers and not transformers.releases - REFUSES:
        file = ckpt.weights.index_file or ckpt.weights.files[0]
        reason = f"{printable(file)} is a pickle, which transformers {transformers.text} reads with torch 2.6 or newer"
        happens = "from_pretrained raises ValueError: Due to a serious vulnerability issue in `torch.load`, …"
        yield Constraint("torch", SAFE_TORCH, "torch-file", reason, file, happens=happens)
