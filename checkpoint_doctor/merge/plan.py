"""The plan: headers of base and adapter in, one operation per tensor of the merged model out.

No weights are read, but for comparing two embedding tables where only their bytes can tell whether they are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from checkpoint_doctor.core.tensor import DTYPE_BITS, FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import llava as llava_facts
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge import ledger, llava, names, refuse, shards, ties
from checkpoint_doctor.merge.changes import Change, check_copies, gather
from checkpoint_doctor.merge.compare import same_bytes
from checkpoint_doctor.merge.methods import lora
from checkpoint_doctor.merge.methods.orientation import Orientation
from checkpoint_doctor.merge.methods.update import Copy, Found
from checkpoint_doctor.merge.ops import Op, Plan, Source


def build(adapter: Checkpoint, base: Checkpoint) -> Plan:
    """Plan the merge, or refuse it.

    Args:
        adapter: a PEFT LoRA directory, a LLaVA run's directory, or a LLaVA projector directory.
        base: the full model.

    Raises:
        UserError: with the reason, before anything is written.
    """
    refuse.check_base(base)
    found, notes = _find(adapter, base)
    tensors = base.tensors
    tables = ties.tables(tensors, base.config)
    known = dict(tensors)
    if tables.input and tables.output and not tables.stored:
        known[tables.output] = tensors[tables.input]
    placed = names.resolve(
        {update.target for update in found.updates},
        known,
        base.model_type,
        lambda name: is_llava_run(adapter) and llava.may_be_new(name),
    )
    changes = gather(found.updates, placed, known, adapter.root, Orientation(tensors, base.model_type))
    check_copies(changes, known, (tables.input, tables.output))
    config = _settle_ties(changes, tables, adapter, base, notes)
    config.update(_vocabulary(changes, tables, known, base))
    files = shards.out_files(_operations(changes, tables, adapter, base), base)
    index, index_like = shards.index(files, base)
    consumed = ledger.consume(adapter, found.updates, found.idle)
    return Plan(files, index, index_like, config, consumed, tuple(notes), tuple(found.warnings))


def is_llava_run(adapter: Checkpoint) -> bool:
    """Whether the directory comes from LLaVA's own training code, with side files of its own."""
    return adapter.adapter is None or adapter.is_llava or llava_facts.NON_LORA_FILE in adapter.files


def _find(adapter: Checkpoint, base: Checkpoint) -> tuple[Found, list[str]]:
    """What the adapter changes, and notes."""
    notes: list[str] = []
    if adapter.adapter is None:
        if llava_facts.PROJECTOR_FILE not in adapter.files:
            raise UserError(
                f"{adapter.root} holds no adapter: neither adapter_config.json nor adapter weights",
                "give the directory that the training run saved",
            )
        return Found(list(llava.side_copies(adapter)), [], []), notes
    try:
        warnings = refuse.check_adapter(adapter.adapter)
        found = lora.find(adapter.adapter, same_bytes(adapter.root))
    except FactUnavailable as problem:
        raise UserError(
            f"the adapter {adapter.root} cannot be read: {problem.reason}", "save it again, or repair it first"
        ) from None
    if is_llava_run(adapter):
        refuse.check_llava(adapter, base)
        held = {update.target for update in found.updates if isinstance(update, Copy)}
        for copy in llava.side_copies(adapter):
            if copy.target not in held:
                found.updates.append(copy)
                continue
            # The loader reads non_lora_trainables.bin first and the adapter after it.
            notes.append(f"{printable(copy.target)} was taken from the adapter, which wins over {copy.tensor.file}")
    elif base.is_llava:
        warnings += refuse.check_plain_on_llava(adapter)
    return replace(found, warnings=[*warnings, *found.warnings]), notes


def _settle_ties(
    changes: dict[str, Change], tables: ties.Tables, adapter: Checkpoint, base: Checkpoint, notes: list[str]
) -> dict[str, Any]:
    """Decide about tied tables; returns the changes of config.json that follow."""
    touched = {name: change.in_place for name, change in changes.items()}
    adapter_config = adapter.adapter.config if adapter.adapter is not None else {}
    verdict = ties.judge(tables, touched, base.tensors, base.config, adapter_config, same_bytes(base.root))
    if verdict == "apart" or tables.input is None or tables.output is None:
        return {}
    copy = changes[tables.input].copy if tables.input in changes else None
    if verdict == "follow":
        if tables.stored:
            changes[tables.output] = Change(copy)
        return {}
    head = changes.setdefault(tables.output, Change())
    if head.copy is None and copy is not None and not copy.trained_apart:
        head.copy = copy
    notes.append(
        f"{printable(tables.input)} and {printable(tables.output)} were one table; the adapter changes one end: "
        "both are written, and tie_word_embeddings is false now"
    )
    return {"tie_word_embeddings": False}


def _vocabulary(
    changes: Mapping[str, Change], tables: ties.Tables, known: Mapping[str, TensorInfo], base: Checkpoint
) -> dict[str, Any]:
    """vocab_size for config.json when the adapter brings tables with another number of rows.

    Raises:
        UserError: the two tables would differ, or config.json keeps its vocab_size where we do not look.
    """
    rows: dict[str, int] = {}
    for name in (tables.input, tables.output):
        if name is None or (name == tables.output and not tables.stored and name not in changes):
            continue
        copy = changes[name].copy if name in changes else None
        rows[name] = (copy.tensor if copy is not None else known[name]).shape[0]
    if tables.input is None or all(known[name].shape[0] == count for name, count in rows.items()):
        return {}
    before, after = known[tables.input].shape[0], set(rows.values())
    if len(after) > 1:
        shown = " and ".join(f"{printable(name)} {count}" for name, count in rows.items())
        raise UserError(
            f"the vocabulary tables would differ in rows: {shown}",
            "the run resized its base; use that base, or save the adapter with both tables",
        )
    if not isinstance(base.config.get("vocab_size"), int):
        raise UserError(
            f"the adapter has {max(after)} vocabulary rows, the base {before}, and its config.json has no vocab_size",
            "use the resized base that the run started from",
        )
    return {"vocab_size": max(after)}


def _operations(
    changes: Mapping[str, Change], tables: ties.Tables, adapter: Checkpoint, base: Checkpoint
) -> list[list[Op]]:
    """The operations, file by file; what the base does not have is added to the last one."""
    made: list[list[Op]] = []
    seen: dict[str, str] = {}
    for file in base.weights.files:
        stored = base.tensors_of(file)
        dropped = shards.dropped_aliases(stored, base.config, changes)
        made.append([])
        for name, tensor in stored.items():
            if seen.setdefault(name, file) != file and name in changes:
                raise UserError(f"{printable(name)} is in {seen[name]} and in {file} of the base", "remove one of them")
            if name not in dropped:
                made[-1].append(_operation(name, tensor, changes.get(name), adapter, base))
    sizes: Counter[str] = Counter()
    for op in (op for ops in made for op in ops if op.dtype in FLOAT_DTYPES):
        sizes[op.dtype] += op.numel
    for name, change in sorted(changes.items()):
        if name in seen:
            continue
        if change.copy is not None:
            start = Source(adapter.root, change.copy.tensor)
        else:
            assert tables.input is not None  # nothing else can be new without a copy
            start = Source(base.root, base.tensors[tables.input])
        dtype = sizes.most_common(1)[0][0] if sizes else start.tensor.dtype
        if name == tables.output and tables.input is not None:
            dtype = base.tensors[tables.input].dtype
        made[-1].append(Op(name, "new", dtype, start.tensor.shape, start, tuple(change.terms)))
    return made


def _operation(name: str, tensor: TensorInfo, change: Change | None, adapter: Checkpoint, base: Checkpoint) -> Op:
    if tensor.dtype not in DTYPE_BITS:
        raise UserError(f"{printable(name)} has dtype {tensor.dtype}, which safetensors cannot hold")
    if name == "__metadata__" or name.encode("utf-8", "replace").decode() != name:
        raise UserError(f"a tensor of the base is called {printable(name)}, which safetensors cannot hold")
    if change is None or (change.copy is None and not change.terms):
        return Op(name, "copy", tensor.dtype, tensor.shape, Source(base.root, tensor))
    if change.copy is None:
        return Op(name, "add", tensor.dtype, tensor.shape, Source(base.root, tensor), tuple(change.terms))
    start = Source(adapter.root, change.copy.tensor)
    return Op(name, "add" if change.terms else "replace", tensor.dtype, start.tensor.shape, start, tuple(change.terms))
