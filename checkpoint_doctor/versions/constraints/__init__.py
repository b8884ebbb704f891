"""One module per subject, each with `constraints(ckpt)`: the reasons why only some releases load a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checkpoint_doctor.core.loads import Constraint
    from checkpoint_doctor.facts.checkpoint import Checkpoint

    Module = Callable[[Checkpoint], Iterator[Constraint]]


def modules() -> tuple[Module, ...]:
    """Every module's function."""
    from checkpoint_doctor.versions.constraints import (
        adapter,
        adapter_tensors,
        adapter_values,
        dtype,
        later,
        model,
        nested,
        pipeline,
        processors,
        quantization,
        rope,
        safetensors_dtype,
        serving,
        serving_adapter,
        tensor_names,
        tokenizer_config,
        tokenizer_json,
        torch_file,
    )

    return (
        adapter.constraints,
        adapter_tensors.constraints,
        adapter_values.constraints,
        dtype.constraints,
        later.constraints,
        model.constraints,
        nested.constraints,
        pipeline.constraints,
        processors.constraints,
        quantization.constraints,
        rope.constraints,
        safetensors_dtype.constraints,
        serving.constraints,
        serving_adapter.constraints,
        tensor_names.constraints,
        tokenizer_config.constraints,
        tokenizer_json.constraints,
        torch_file.constraints,
    )
