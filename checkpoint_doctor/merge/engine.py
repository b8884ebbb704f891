"""One merge, from plan to proof."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from checkpoint_doctor.core.merge import MergeResult
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.merge import blas

Progress = Callable[[str, int, int], None]
# Below this part of the change that survives rounding, the user should know.
LOW_SURVIVAL = 0.5


def merge(
    adapter: Checkpoint,
    base: Checkpoint,
    out: Path,
    *,
    max_memory: int = 1 << 30,
    threads: int | None = None,
    with_hash: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> MergeResult:
    """Merge an adapter into its base and write a complete, loadable directory.

    The inputs are only read. The result appears under `out` when it is complete and proven, or not at all: work is done
    in a hidden directory beside it.

    Args:
        adapter: a PEFT LoRA directory, a LLaVA run's directory, or a directory with LLaVA's mm_projector.bin.
        base: the full model in F16, BF16, F32 or F64, as safetensors or torch files, one file or shards.
        out: the directory to make; it must not exist.
        max_memory: bound in bytes for everything that is held in memory.
        threads: of the stream; default: up to 4, by the machine.
        with_hash: put sha256 of inputs and outputs into the manifest, which can take longer than the merge.
        dry_run: plan and estimate only.
        progress: called with (phase, bytes done, bytes in all), from any thread, one call at a time.

    Raises:
        UserError: the merge is refused or failed for a reason outside of this program; nothing is under `out`.
    """
    started = time.perf_counter()
    blas.import_numpy()
    from checkpoint_doctor.merge import estimate, finish, layout, model_config, partial, plan, sidefiles

    before = finish.fingerprint(adapter, base)
    partial.check_target(out, [adapter.root, base.root])
    planned = plan.build(adapter, base)
    config, config_notes = model_config.merged_config(adapter, base, planned.config, plan.is_llava_run(adapter))
    side, side_notes, side_warnings = sidefiles.choose(adapter, base)
    layouts = [layout.lay_out(file) for file in planned.files]
    resources = estimate.plan_resources(layouts, _existing(out), max_memory, threads)
    result = MergeResult(
        out=out,
        dry_run=dry_run,
        changed=len(planned.changed),
        copied=sum(len(file.ops) for file in planned.files) - len(planned.changed),
        files=tuple(file.name for file in planned.files),
        estimate=resources.estimate,
        tensors=(),
        seconds=time.perf_counter() - started,
        manifest=None,
        proof="",
        notes=(*planned.notes, *config_notes, *side_notes),
        warnings=(*planned.warnings, *side_warnings),
    )
    if dry_run:
        return result

    from checkpoint_doctor.merge import card, manifest, proof
    from checkpoint_doctor.merge.ledger import Ledger, LedgerError
    from checkpoint_doctor.merge.reading import Files
    from checkpoint_doctor.merge.stream import Writer

    ledger = Ledger([op for file in planned.files for op in file.ops])
    try:
        with partial.partial_directory(out) as work, Files(adapter.root, base.root) as files:
            tick = _ticker(progress, "merging", sum(item.size for item in layouts))
            writer = Writer(files, ledger, resources.threads, resources.chunk, tick)
            for item in layouts:
                writer.write(item, work / item.name)
            ledger.close()
            proven = proof.prove(layouts, work, files, ledger)
            warnings = (*result.warnings, *_rounding_warning(proven.survived))
            finish.write_index(work, planned, base)
            finish.write_bytes(work / "config.json", config)
            for file in side:
                finish.copy_side_file(work, file)
            finish.write_bytes(work / "README.md", card.readme(adapter, base, out.name, result.changed).encode())
            hashes = _hashes(adapter, base, planned.consumed, work, result.files, progress) if with_hash else {}
            record = manifest.build(adapter, base, planned, proven, hashes, result.notes, warnings)
            finish.write_bytes(work / manifest.FILE, manifest.dump(record))
            if finish.fingerprint(adapter, base) != before:
                raise _changed()
    except (OSError, LedgerError):
        # A file that went away, or bytes that are not what they were: our fault only if the inputs are as before.
        if finish.fingerprint(adapter, base) == before:
            raise
        raise _changed() from None
    return replace(
        result,
        tensors=tuple(proven.tensors),
        seconds=time.perf_counter() - started,
        manifest=out / manifest.FILE,
        proof=proven.line,
        warnings=warnings,
    )


def _changed() -> UserError:
    return UserError("an input was changed during the merge", "leave base and adapter alone, and merge again")


def _existing(out: Path) -> Path:
    """The nearest directory above `out` that is there."""
    return next(parent for parent in out.absolute().parents if parent.is_dir())


def _ticker(progress: Progress | None, phase: str, total: int) -> Callable[[int], None]:
    """Turn amounts from any thread into (phase, done, total)."""
    lock = threading.Lock()
    done = 0

    def tick(amount: int) -> None:
        nonlocal done
        if progress is not None:
            with lock:
                done += amount
                progress(phase, done, total)

    return tick


def _rounding_warning(survived: float | None) -> tuple[str, ...]:
    if survived is None or survived >= LOW_SURVIVAL:
        return ()
    return (
        f"only {survived:.0%} of the adapter's change survives rounding to the base's dtype; "
        "a base stored in F32 would keep it",
    )


def _hashes(
    adapter: Checkpoint,
    base: Checkpoint,
    consumed: Sequence[str],
    work: Path,
    outputs: Sequence[str],
    progress: Progress | None,
) -> dict[str, str]:
    """sha256 of all weight files that went in and came out."""
    from checkpoint_doctor.merge import manifest

    paths = {f"base/{file}": base.path(file) for file in base.weights.files}
    paths |= {f"adapter/{file}": adapter.path(file) for file in manifest.adapter_files(consumed)}
    paths |= {f"out/{file}": work / file for file in outputs}
    tick = _ticker(progress, "hashing", sum(path.stat().st_size for path in paths.values()))
    return {name: manifest.file_hash(path, tick) for name, path in paths.items()}
