"""`ckpt-doctor rules`: the list, and `rules new`."""

from __future__ import annotations

import click


@click.group("rules", invoke_without_command=True, short_help="List the rules, or make the room of a new one.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, format_: str) -> int:
    """List all rules with code, severity, name and summary."""
    if ctx.invoked_subcommand is not None:
        return 0
    import sys

    from checkpoint_doctor.commands.options import text_width
    from checkpoint_doctor.engine.loader import load_rules
    from checkpoint_doctor.render.rule_list import render_rules

    # A pipe gets one line a rule, for grep.
    click.echo(render_rules(load_rules(), format_, width=text_width() if sys.stdout.isatty() else 0))
    return 0


@command.command("new", short_help="Make the room and the case stubs of a new rule.")
@click.argument("subject")
@click.argument("name")
@click.option("--into", type=click.Path(), metavar="DIR", help="The checkout to write into; default: here.")
def new(subject: str, name: str, into: str | None) -> int:
    """Make a rule about SUBJECT (CFG, ADP, ... or POL) that is called NAME ("foreign model type").

    The room and a failing case are written; the test names what is still to be filled in.
    """
    from pathlib import Path

    from checkpoint_doctor.engine.scaffold import new_rule

    paths = new_rule(Path(into or "."), subject, name)
    for path in paths:
        click.echo(f"wrote {path}")
    code = paths[0].parent.name[:6].upper()
    click.echo(f'now fill in every TODO, then: UPDATE_GOLDEN=1 pytest tests/test_rules.py -k "{code} or table"')
    return 0
