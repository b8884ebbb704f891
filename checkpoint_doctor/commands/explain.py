"""`ckpt-doctor explain`."""

from __future__ import annotations

import click


@click.command("explain", short_help="Show the page of a rule.")
@click.argument("rule")
def command(rule: str) -> int:
    """Show the page of RULE: its code (CFG001) or its name (missing-model-type)."""
    from checkpoint_doctor.api import rule_page

    click.echo(rule_page(rule))
    return 0
