"""The command line: a click group whose commands are imported when they are called; no logic here."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
from typing import Any

import click

from checkpoint_doctor import __version__
from checkpoint_doctor.errors import CkptDoctorError, UserError

# Command name to the module and its one-line help, so that --help imports no command.
COMMANDS = {
    "check": "Diagnose a model or adapter directory.",
    "explain": "Show the page of a rule.",
    "fix": "Repair a directory, or merge an adapter into its base.",
    "knowledge": "Say which releases know a name.",
    "rules": "List the rules, or make the room of a new one.",
}


class LazyGroup(click.Group):
    """A group that imports `checkpoint_doctor.commands.NAME` when NAME is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"checkpoint_doctor.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {close[0]!r}?", ctx) from problem


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", "-V", message="ckpt-doctor %(version)s")
@click.pass_context
def main(ctx: click.Context) -> int:
    """Say what is wrong with a checkpoint directory, and cure it, without loading it.

    Exit status: 0 nothing found at or above --fail-on, 1 findings, 2 wrong input, 3 the tool itself failed.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return 2
    return 0


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the one place that turns exceptions into text and an exit status."""
    try:
        result: Any = main.main(args=arguments, prog_name="ckpt-doctor", standalone_mode=False)
    except UserError as problem:
        return _fail(problem.message, problem.hint, 2)
    except click.UsageError as problem:
        usage = problem.ctx.command_path if problem.ctx else "ckpt-doctor"
        return _fail(problem.format_message(), f"see {usage} --help", 2)
    except click.ClickException as problem:
        return _fail(problem.format_message(), "", 2)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", "a merged directory is whole or not there", 130)
    except BrokenPipeError:
        # The reader of our output left (`| head`); nothing is wrong, but Python would complain at exit.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except CkptDoctorError as problem:
        return _fail(str(problem), "", 3)
    except Exception as problem:
        import os

        if os.environ.get("CKPT_DOCTOR_DEBUG"):
            raise
        hint = "this is a bug in ckpt-doctor; CKPT_DOCTOR_DEBUG=1 shows where"
        return _fail(f"{type(problem).__name__}: {problem}", hint, 3)
    return result if isinstance(result, int) else 0


def _fail(message: str, hint: str, status: int) -> int:
    click.echo(f"ckpt-doctor: {_on_one_line(message)}", err=True)
    if hint:
        click.echo(f"hint: {_on_one_line(hint)}", err=True)
    return status


def _on_one_line(text: str) -> str:
    """Names in it may come out of a stranger's checkpoint, and must not drive the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:4000])


def entry() -> None:
    """The console script."""
    # What is parsed has no cycles; to look for some among millions of values would double the time.
    gc.disable()
    for name in ("SIGTERM", "SIGHUP"):  # as Ctrl-C: what was half written is removed
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    sys.exit(run())
