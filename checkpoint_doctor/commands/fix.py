"""`ckpt-doctor fix`."""

from __future__ import annotations

import click

from checkpoint_doctor.commands.options import judged_by, split_words, use_color
from checkpoint_doctor.errors import UserError

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def byte_size(value: str) -> int:
    """A number of bytes: 1073741824, 512M, 1G, 1GiB; named for click's error messages."""
    text = value.strip().upper().removesuffix("IB").removesuffix("B")
    unit = _UNITS.get(text[-1:], 1)
    try:
        return int(float(text[:-1] if unit > 1 else text) * unit)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no size; write 512M or 1G") from None


@click.command("fix", short_help="Repair a directory, or merge an adapter into its base.")
@click.argument("path", type=click.Path())
@click.option("--merge", is_flag=True, help="Merge the adapter PATH into its base; writes a new directory.")
@click.option("--base", type=click.Path(), metavar="DIR", help="The base model; else it is looked for on this machine.")
@click.option("--no-base", is_flag=True, help="Never look outside PATH for the base (checkpoints of strangers).")
@click.option("--download", is_flag=True, help="Fetch a base that is not on this machine from the Hugging Face Hub.")
@click.option("--out", type=click.Path(), metavar="DIR", help="Where to write the merged model; must not exist.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--unsafe", is_flag=True, help="Also apply fixes that may change behaviour (without --merge).")
@click.option("--select", multiple=True, metavar="RULES", help="Only fix these (without --merge).")
@click.option("--ignore", multiple=True, metavar="RULES", help="Leave these alone (without --merge).")
@judged_by
@click.option("--max-memory", type=byte_size, metavar="SIZE", default="1G", show_default=True, help="For the merge.")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads of the merge; default: up to 4, by the machine.")
@click.option("--hash", "with_hash", is_flag=True, help="Put sha256 sums of all inputs and outputs into the manifest.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="No progress, only the outcome.")
@click.option("--color/--no-color", default=None, help="Force or forbid colours; default: on a terminal.")
def command(
    path: str,
    merge: bool,
    base: str | None,
    no_base: bool,
    download: bool,
    out: str | None,
    dry_run: bool,
    unsafe: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    target: tuple[str, ...],
    requirements: str | None,
    python: str | None,
    max_memory: int,
    threads: int | None,
    with_hash: bool,
    format_: str,
    quiet: bool,
    color: bool | None,
) -> int:
    """Repair PATH.

    Without --merge: apply the fixes that are provably safe to its JSON files, all or nothing. With --merge: merge the
    adapter in PATH into its base, streaming, prove the result, and check it; the inputs are never touched.
    """
    from checkpoint_doctor import api

    environment = api.environment(python=python, requirements=requirements, targets=target)
    if merge:
        if unsafe or select or ignore:
            raise UserError("--unsafe, --select and --ignore are for repairs, not for --merge", "leave them out")
        if no_base:
            raise UserError("--no-base leaves nothing to merge into", "give the base with --base instead")
        from checkpoint_doctor.commands.merging import run_merge

        return run_merge(
            path,
            base=base,
            download=download,
            out=out,
            dry_run=dry_run,
            max_memory=max_memory,
            threads=threads,
            with_hash=with_hash,
            format_=format_,
            quiet=quiet,
            color=use_color(color),
            environment=environment,
        )
    for name, value in (("--base", base), ("--out", out), ("--download", download), ("--hash", with_hash)):
        if value:
            raise UserError(f"{name} is for merging", f"add --merge, or leave {name} out")
    from checkpoint_doctor.render.repair import render_repair

    done = api.repair(
        path,
        find_base=not no_base,
        unsafe=unsafe,
        dry_run=dry_run,
        choose=split_words(select),
        ignore=split_words(ignore),
        environment=environment,
    )
    colored = use_color(color)
    text = render_repair(
        path,
        done.applied,
        done.refused,
        done.remaining,
        done.before,
        done.after,
        dry_run=dry_run,
        format_=format_,
        color=colored,
    )
    click.echo(text, color=colored)
    return 1 if any(finding.severity == "error" for finding in done.remaining) else 0
