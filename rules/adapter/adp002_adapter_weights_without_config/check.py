"""The tensors of an adapter without its config."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, command, layout, listed, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.config_file or adapter.weights_file is None or ckpt.weights.format != "none":
        return
    if "adapter_config.json" in layout.misspelled(ckpt):
        return  # LAY014 tells the name
    message = f"{adapter.weights_file} has no adapter_config.json beside it" + _tensors(ckpt)
    nested = [name.rpartition("/")[0] for name in ckpt.files if name.endswith("/adapter_config.json")]
    evidence = {}
    if nested:
        evidence["cure"] = f"{printable(nested[0])} has both: {command('ckpt-doctor', 'check', ckpt.root / nested[0])}"
    yield Problem(message, evidence=evidence)


def _tensors(ckpt: Checkpoint) -> str:
    """What the tensors say about the lost config."""
    try:
        modules = ckpt.adapter.modules if ckpt.adapter else {}
    except FactUnavailable:
        return ""
    ranks = {t.shape[0] for m in modules.values() for n, t in m.factors.items() if n == "lora_A" and t.shape}
    if len(ranks) != 1:
        return ""
    names = sorted({path.rpartition(".")[2] for path in modules})
    return f"; its tensors are a LoRA with r={ranks.pop()} on {listed(names, 8)}"
