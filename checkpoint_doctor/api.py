"""The one door for programs: check a directory, repair it, merge an adapter. Commands only call this."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoint_doctor import __version__
from checkpoint_doctor.core.loads import Environment, Loads
from checkpoint_doctor.core.report import Outcome, Report
from checkpoint_doctor.engine.loader import load_rules
from checkpoint_doctor.engine.pipeline import join
from checkpoint_doctor.engine.run import run, where
from checkpoint_doctor.engine.select import select
from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.pipeline import components
from checkpoint_doctor.facts.subject import describe, kind
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import environment as environments
from checkpoint_doctor.versions.solve import loads_with
from checkpoint_doctor.versions.told import judged_against, with_lines

if TYPE_CHECKING:
    from checkpoint_doctor.core.known import Known
    from checkpoint_doctor.core.merge import MergeResult
    from checkpoint_doctor.core.rule import Rule
    from checkpoint_doctor.repair.plan import Repair


def environment(
    *, python: str | Path | None = None, requirements: str | Path | None = None, targets: Iterable[str] = ()
) -> Environment:
    """The packages to judge a directory against; the installed ones when nothing is named.

    Args:
        python: an interpreter, a venv's folder or a site-packages folder; nothing in it is run.
        requirements: requirements.txt, pyproject.toml or uv.lock; overrides single packages of `python`.
        targets: "transformers==4.46.3", "peft>=0.14,<0.18", "vllm" (the newest that we know); override both. Just
            "newest" stands for the newest releases that we know.

    Raises:
        UserError: one of them cannot be read.
    """
    return environments.chosen(python=python, requirements=requirements, targets=targets)


def open_checkpoint(
    path: str | Path,
    *,
    base: str | Path | None = None,
    find_base: bool = True,
    environment: Environment | None = None,
) -> Checkpoint:
    """The facts about a directory, to be judged against an environment; a file in it may be given instead.

    Raises:
        UserError: the path does not exist, or `base` is no directory.
    """
    root = Path(path)
    if os.path.isfile(root):
        root = root.parent
    base_path = None if base is None else Path(base)
    if base_path is not None and not os.path.isdir(base_path):
        raise UserError(f"the base {base_path} is not a directory", "give the full base model's directory with --base")
    judged = environments.installed() if environment is None else environment
    return Checkpoint(root, base=base_path, find_base=find_base, environment=judged)


def check(
    path: str | Path,
    *,
    base: str | Path | None = None,
    find_base: bool = True,
    choose: Iterable[str] = (),
    ignore: Iterable[str] = (),
    preview: bool = False,
    environment: Environment | None = None,
) -> Report:
    """Diagnose a directory without loading it: no torch, no transformers, no weights read.

    Args:
        path: a model or adapter directory, or a file in one.
        base: where the base of an adapter lies; otherwise it is looked for on this machine.
        find_base: false to never look outside `path` (checkpoints of strangers).
        choose: codes, prefixes, names or severities of the rules to run; empty for all.
        ignore: the same words, for rules that are not run.
        preview: run rules in preview too.
        environment: the packages that version trouble is judged against; default: those installed here.

    Raises:
        UserError: the path or a word is wrong.
    """
    rules = select(load_rules(), choose, ignore, preview=preview)
    ckpt = open_checkpoint(path, base=base, find_base=find_base, environment=environment)
    return report_on(ckpt, rules, str(path))


def report_on(ckpt: Checkpoint, rules: Iterable[Rule], target: str) -> Report:
    """Run the rules over facts that may hold planned edits; of a diffusers pipeline over each component, too."""
    rules = tuple(rules)
    whole = _report(ckpt, rules, target)
    if kind(ckpt) != "diffusers":
        return whole
    try:
        found = [part.name for part in components(ckpt) if part.library == "transformers" and part.present]
    except FactUnavailable as reason:
        return replace(whole, skipped=(*whole.skipped, Outcome("VER", reason.reason)))
    # A component is loaded by itself: from its own folder, as what it is there.
    parts = {
        name: _report(
            Checkpoint(ckpt.root / name, find_base=False, environment=ckpt.environment), rules, f"{target}/{name}"
        )
        for name in found
    }
    return join(whole, parts)


def _report(ckpt: Checkpoint, rules: tuple[Rule, ...], target: str) -> Report:
    results = run(rules, ckpt)
    loads = Loads()
    try:
        loads = with_lines(ckpt, loads_with(ckpt))
    except Exception as problem:  # what one constraint does must not hide what the rules found
        results.crashed.append(Outcome("VER", where(problem)))
    packages = tuple(loads.ranges)
    return Report(
        target=target,
        subject=describe(ckpt),
        findings=tuple(results.findings),
        skipped=tuple(results.skipped),
        crashed=tuple(results.crashed),
        rules_run=results.rules_run,
        versions=(
            ("ckpt-doctor", __version__),
            *((f"{package} known", lookup.newest(package)) for package in dict.fromkeys(("transformers", *packages))),
        ),
        loads_with=loads,
        environment=judged_against(ckpt, packages),
        notes=ckpt.environment.notes,
    )


def rule_page(word: str) -> str:
    """The page (README.md) of a rule by its code or name.

    Raises:
        UserError: there is no such rule; the hint names the nearest.
    """
    from difflib import get_close_matches

    rules = load_rules()
    for rule in rules:
        if word.upper() == rule.code or word.lower() == rule.name:
            page = (rule.room / "README.md").read_text(encoding="utf-8").rstrip()
            return f"{page}\n\nSeverity: {rule.severity}. Since {rule.since}."
    close = get_close_matches(word, [name for rule in rules for name in (rule.code, rule.name)], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "list them with: ckpt-doctor rules"
    raise UserError(f"there is no rule {word!r}", hint)


def known(name: str, kind: str | None = None) -> list[Known]:
    """Everything that is known by a name: model type, class, adapter field, quantisation method and so on.

    Raises:
        UserError: nothing is, or there is no such kind; the hint names the nearest.
    """
    from checkpoint_doctor.knowledge.known import known as known_by

    return known_by(name, kind)


def repair(
    path: str | Path,
    *,
    find_base: bool = True,
    unsafe: bool = False,
    dry_run: bool = False,
    choose: Iterable[str] = (),
    ignore: Iterable[str] = (),
    environment: Environment | None = None,
) -> Repair:
    """Apply the fixes that are provably safe (with `unsafe` also the likely ones) to the files of a directory.

    With `find_base` false nothing outside `path` is looked at, not even to judge an edit. `environment` holds the
    packages that version trouble is judged against; default: those installed here.

    Raises:
        UserError: the path is wrong, or a file cannot be written; then nothing was changed.
    """
    from checkpoint_doctor.repair.plan import plan_repair
    from checkpoint_doctor.repair.write import write_files

    ckpt = open_checkpoint(path, find_base=find_base, environment=environment)
    planned = plan_repair(ckpt, select(load_rules(), choose, ignore), unsafe=unsafe)
    if planned.after and not dry_run:
        write_files(ckpt.root, planned.before, planned.after)
    return planned


def merge(
    adapter: str | Path,
    *,
    base: str | Path | None = None,
    out: str | Path | None = None,
    download: bool = False,
    dry_run: bool = False,
    max_memory: int = 1 << 30,
    threads: int | None = None,
    with_hash: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> MergeResult:
    """Merge an adapter into its base and write a complete new directory; the inputs are never touched.

    Args:
        adapter: the adapter directory, or one with LLaVA's mm_projector.bin.
        base: the base model's directory; otherwise it is looked for on this machine.
        out: the directory to make; it must not exist. Default: beside the adapter, by its name.
        download: fetch the base from the Hugging Face Hub when it is not on this machine.
        dry_run: plan only.
        max_memory: bound in bytes, adapter and buffers included.
        threads: default by the machine, at most 4.
        with_hash: sha256 of inputs and outputs in the manifest; that can take longer than merging.
        progress: called with (phase, bytes done, bytes in all).

    Raises:
        UserError: the merge is refused, with the reason; nothing is left under `out`.
    """
    ckpt = open_checkpoint(adapter, base=base)
    if ckpt.adapter is None and not ckpt.has(llava.PROJECTOR_FILE):
        raise UserError(f"{adapter} is no adapter: it has no adapter_config.json", _swapped_hint(ckpt))
    model = ckpt.base
    name = ckpt.adapter.base_name if ckpt.adapter is not None else None
    if model is None and download and ckpt.adapter is not None and name:
        from checkpoint_doctor.facts.download import fetch

        model = Checkpoint(fetch(name, ckpt.adapter.config.get("revision")), find_base=False)
    if model is None:
        what = f"the base {name} was not found on this machine" if name else f"{adapter} names no base"
        raise UserError(what, "give its directory with --base" + (", or --download to fetch it" if name else ""))
    from checkpoint_doctor.facts.naming import merged_path, shorten
    from checkpoint_doctor.merge.engine import merge as run_merge

    target = Path(out) if out is not None else shorten(merged_path(ckpt.root, ckpt.is_llava))
    return run_merge(
        ckpt,
        model,
        target,
        max_memory=max_memory,
        threads=threads,
        with_hash=with_hash,
        dry_run=dry_run,
        progress=progress,
    )


def _swapped_hint(ckpt: Checkpoint) -> str:
    base = ckpt.base_location.path
    if base is not None and Checkpoint(base, find_base=False).is_bare_adapter:
        return f"base and adapter are swapped: ckpt-doctor fix --merge {base} --base {ckpt.root}"
    return "give the directory of the adapter; the base goes behind --base"
