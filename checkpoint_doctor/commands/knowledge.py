"""`ckpt-doctor knowledge`."""

from __future__ import annotations

import click


@click.command("knowledge", short_help="Say which releases know a name.")
@click.argument("name")
@click.option("--kind", metavar="KIND", help="Only as a name of this kind: model_type, architecture, peft_field …")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(name: str, kind: str | None, format_: str) -> int:
    """Say everything that is known by NAME, and in which releases.

    NAME is a model type (qwen3_vl), a class (LlamaForCausalLM), an adapter method (LORA), a field of
    an adapter or model configuration (corda_config, LlamaConfig.rope_theta), a quantisation method, a requirement
    (transformers:tokenizers) and so on. Nothing is imported or fetched; the table comes with ckpt-doctor.
    """
    from checkpoint_doctor import api
    from checkpoint_doctor.render.known import render_known

    click.echo(render_known(api.known(name, kind), format_))
    return 0
