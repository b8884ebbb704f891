"""`ckpt-doctor check`."""

from __future__ import annotations

import time

import click

from checkpoint_doctor.commands.options import judged_by, split_words, text_width, use_color


@click.command("check", short_help="Diagnose a model or adapter directory.")
@click.argument("path", type=click.Path())
@click.option("--base", type=click.Path(), metavar="DIR", help="The base model of an adapter; else it is looked for.")
@click.option("--no-base", is_flag=True, help="Never look outside PATH for the base (checkpoints of strangers).")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--select", multiple=True, metavar="RULES", help="Only these codes, prefixes, names or severities.")
@click.option("--ignore", multiple=True, metavar="RULES", help="Not these.")
@judged_by
@click.option("--explain-versions", is_flag=True, help="Say why only some releases load it, reason by reason.")
@click.option("--preview", is_flag=True, help="Run rules in preview too.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="error",
    show_default=True,
    help="The lowest severity that makes the exit status 1.",
)
@click.option("--color/--no-color", default=None, help="Force or forbid colours; default: on a terminal.")
def command(
    path: str,
    base: str | None,
    no_base: bool,
    format_: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    target: tuple[str, ...],
    requirements: str | None,
    python: str | None,
    explain_versions: bool,
    preview: bool,
    fail_on: str,
    color: bool | None,
) -> int:
    """Diagnose PATH: a model directory, an adapter directory, or a file in one.

    Nothing is loaded, imported or changed; only JSON files and tensor headers are read. Version trouble is judged
    by the packages that are installed beside ckpt-doctor, unless --python, --requirements or --target says otherwise.
    """
    from checkpoint_doctor import api

    start = time.perf_counter()
    report = api.check(
        path,
        base=base,
        find_base=not no_base,
        choose=split_words(select),
        ignore=split_words(ignore),
        preview=preview,
        environment=api.environment(python=python, requirements=requirements, targets=target),
    )
    if format_ == "json":
        from checkpoint_doctor.render.json_v1 import render_json

        click.echo(render_json(report))
    else:
        from checkpoint_doctor.render.text import render_text

        colored = use_color(color)
        seconds = time.perf_counter() - start
        text = render_text(
            report, seconds=seconds, color=colored, width=text_width(), explain_versions=explain_versions
        )
        click.echo(text, color=colored)
    if report.crashed:
        return 3
    return 1 if report.exceeds(fail_on) else 0
