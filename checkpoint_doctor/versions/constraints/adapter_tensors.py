"""The adapter's weight file and PEFT: its format, and tensor names that changed."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted, pack
from checkpoint_doctor.facts.adapter import CONFIG_FILE, WEIGHT_FILES, Adapter, strip_prefix
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.constraints.adapter_values import since

# tuners/oft: other factors and another key at 0.14.0, again at 0.16.0, and another series for them at 0.18.0. Each
# generation reads its own adapters only.
OFT_FIRST, OFT_SECOND, OFT_THIRD = VersionSet((700, 1400)), VersionSet((1400, 1600)), VersionSet((1600,))
OFT_SERIES = 1800


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "peft-safetensors", "peft-bias", "peft-oft"."""
    adapter = ckpt.adapter
    if adapter is None or adapter.config_file is None or adapter.library != "PEFT" or adapter.weights_file is None:
        return
    if WEIGHT_FILES[1] not in ckpt.files and adapter.weights_file == WEIGHT_FILES[0]:
        allowed = since("safetensors")
        reason = f"{WEIGHT_FILES[0]} is read since {dotted(allowed.bounds[0])}"
        happens = f"PEFT {{have}} looks for {WEIGHT_FILES[1]} and raises ValueError: Can't find weights for …"
        yield Constraint("peft", allowed, "peft-safetensors", reason, WEIGHT_FILES[0], happens=happens)
    if adapter.is_lora and adapter.config.get("bias") in ("all", "lora_only"):
        yield from _bias(adapter)
    if adapter.peft_type == "OFT":
        yield from _oft(adapter)


def _bias(adapter: Adapter) -> Iterator[Constraint]:
    """Trained biases of adapted modules: beside the layer up to 0.6.2, in a layer of their own since."""
    later = since("base_layer")
    for name in adapter.tensors:
        stem = strip_prefix(name).removesuffix(".bias")
        wrapped = stem.endswith(".base_layer")
        if not name.endswith(".bias") or stem.removesuffix(".base_layer") not in adapter.modules:
            continue
        first = dotted(later.bounds[0])
        shown, told = ("….base_layer.bias", "since") if wrapped else ("….bias", "before")
        reason = f"the trained biases are called {shown}, as PEFT called them {told} {first}"
        happens = "PEFT {have} leaves the biases of the adapted modules as they are in the base, without a word"
        allowed = later if wrapped else ANY - later
        file = adapter.weights_file or ""
        yield Constraint("peft", allowed, "peft-bias", reason, file, outcome="wrong", happens=happens)
        return


def _oft(adapter: Adapter) -> Iterator[Constraint]:
    config = adapter.config
    new = any(name.endswith(".oft_R.weight") for name in adapter.tensors)
    if "oft_block_size" not in config:
        reason = "OFT without oft_block_size is that of 0.7.0 to 0.13.2"
        happens = "PEFT {have} raises ValueError: OFT has been updated since PEFT 0.14.0 …"
        yield Constraint("peft", OFT_FIRST, "peft-oft", reason, CONFIG_FILE, happens=happens)
    elif not new and any(name.endswith(".oft_r") for name in adapter.tensors):
        reason = "OFT with oft_block_size and tensors called oft_r is that of 0.14.0 to 0.15.2"
        happens = "PEFT {have} finds no weights for it, or raises ValueError: Trying to load old OFT checkpoint …"
        yield Constraint("peft", OFT_SECOND, "peft-oft", reason, CONFIG_FILE, outcome="wrong", happens=happens)
    elif new:
        happens = "PEFT {have} finds no weights for it and goes on with a warning"
        reason = "OFT with tensors called oft_R.weight came with 0.16.0"
        yield Constraint("peft", OFT_THIRD, "peft-oft", reason, CONFIG_FILE, outcome="wrong", happens=happens)
        yield from _series(adapter)


def _series(adapter: Adapter) -> Iterator[Constraint]:
    """The approximation of the Cayley transform changed at 0.18.0, which then began to write peft_version."""
    if adapter.config.get("use_cayley_neumann") is not True:
        return
    writer = adapter.config.get("peft_version")
    try:
        late = isinstance(writer, str) and pack(writer[:100]) >= OFT_SERIES
    except ValueError:
        late = False
    allowed = VersionSet((OFT_SERIES,)) if late else VersionSet((OFT_THIRD.bounds[0], OFT_SERIES))
    reason = f"use_cayley_neumann is that of {'0.18.0 and later' if late else '0.16.0 to 0.17.1'}"
    happens = "PEFT {have} computes a slightly other rotation from the same weights"
    yield Constraint(
        "peft", allowed, "peft-oft-series", reason, CONFIG_FILE, "/use_cayley_neumann", "differs", happens
    )  # fmt: skip
