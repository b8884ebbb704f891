"""What `ckpt-doctor fix --merge` does between its options and its exit status."""

from __future__ import annotations

import os

import click

from checkpoint_doctor.core.loads import Environment


def run_merge(
    path: str,
    *,
    base: str | None,
    download: bool,
    out: str | None,
    dry_run: bool,
    max_memory: int,
    threads: int | None,
    with_hash: bool,
    format_: str,
    quiet: bool,
    color: bool,
    environment: Environment,
) -> int:
    """Merge, show the outcome, check the merged directory against an environment; 1 when that has errors."""
    # One BLAS thread: the merge has threads of its own, and two levels of them only wait for each other. It must be
    # said before numpy is imported.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from checkpoint_doctor import api
    from checkpoint_doctor.commands.progress import Progress
    from checkpoint_doctor.render.merge import render_merge

    with Progress(quiet=quiet or format_ == "json") as progress:
        done = api.merge(
            path,
            base=base,
            out=out,
            download=download,
            dry_run=dry_run,
            max_memory=max_memory,
            threads=threads,
            with_hash=with_hash,
            progress=progress.update,
        )
    report = None if dry_run else api.check(done.out, find_base=False, environment=environment)
    click.echo(render_merge(done, report, format_=format_, color=color), color=color)
    return 1 if report is not None and report.exceeds("error") else 0
