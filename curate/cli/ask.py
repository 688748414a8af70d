"""Commands that ask: check, list, why, diff, verify, schema, doctor; and report and export, which write again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from curate.cli.echo import echo, echo_json

_KINDS = ["filters", "sources", "generators", "judges", "pairs", "recipes"]
_OUT = click.Path(path_type=Path)
_trust = click.option("--trust", is_flag=True, help="Run the recipe's own code, `module:function`: you have read it.")
_json = click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")


@click.command()
@click.argument("recipe", type=_OUT)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe, dotted; repeat.")
@click.option("--rows", type=click.IntRange(1), default=300, show_default=True, help="Rows of each part to try.")
@_trust
@_json
def check(recipe: Path, sets: tuple[str, ...], rows: int, trust: bool, as_json: bool) -> None:
    """Validate RECIPE, show its plan, and try it on a sample.

    Functions of your own that it names (`module:function`) run only with --trust; without it, what rests on them is not
    tried.
    """
    from curate.recipe.load import load
    from curate.report import terminal
    from curate.run.work import sample_yield

    plan = load(recipe, sets, trusted=trust)
    found = sample_yield(plan, rows)
    if as_json:
        echo_json({"recipe": plan.raw, "sample": found, "not_run": list(plan.unrun)})
    else:
        terminal.show_plan(plan, found)


def _reads_folder(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one sentence where a folder that a command reads is none of ours: it may be a stranger's, or damaged."""

    @wraps(command)
    def reads(**given: Any) -> None:
        from curate.run.work import as_written

        with as_written(given.get("out") or given["out_a"]):
            command(**given)

    return reads


@click.command("list")
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.argument("name", required=False)
@_json
def list_(kind: str | None, name: str | None, as_json: bool) -> None:
    """List filters, sources, generators, judges, pairs and recipes; with NAME, print the reference of one."""
    from curate.recipe.reference import catalog, reference
    from curate.report import terminal

    if kind and name:
        echo(reference(kind, name))
        return
    found = {k: catalog(k) for k in ([kind] if kind else _KINDS)}
    if as_json:
        echo_json(found)
    else:
        terminal.show_catalog(found)


@click.command()
@click.argument("out", type=_OUT)
@click.option("--rows", type=click.IntRange(1), default=3, show_default=True, help="How many; the set is shuffled.")
@_json
@_reads_folder
def show(out: Path, rows: int, as_json: bool) -> None:
    """Show some rows of OUT as a reader sees them: what is asked, and the answer or both of a pair."""
    from curate.report import terminal
    from curate.run import work

    found = work.some_rows(out, rows)
    if as_json:
        echo_json(found)
    else:
        terminal.show_rows(found)


@click.command()
@click.argument("out", type=_OUT)
@click.argument("id_", metavar="ID")
@_json
@_reads_folder
def why(out: Path, id_: str, as_json: bool) -> None:
    """Tell the way of one row of OUT: verdict, value and evidence at each step. The beginning of an ID is enough."""
    from curate.report import terminal
    from curate.run import work

    found = work.why(out, id_)
    if as_json:
        echo_json(found)
    else:
        terminal.show_why(found)


@click.command()
@click.argument("out_a", type=_OUT)
@click.argument("out_b", type=_OUT)
@_json
@_reads_folder
def diff(out_a: Path, out_b: Path, as_json: bool) -> None:
    """Show the rows gained and lost from OUT_A to OUT_B, and by which step."""
    from curate.report import terminal
    from curate.run import work

    found = work.diff(out_a, out_b)
    if as_json:
        echo_json(found.to_dicts())
    else:
        terminal.show_diff(found)


@click.command()
@click.argument("out", type=_OUT)
@_trust
@_json
def verify(out: Path, trust: bool, as_json: bool) -> None:
    """Derive OUT again from its recipe and inputs, and compare the hashes. Exit code 1 when something differs.

    Where the recipe names code of its own (`module:function`), that needs --trust.
    """
    from curate.report import terminal
    from curate.run import work

    with terminal.progress() as tell:
        found = work.verify(out, trusted=trust, tell=tell)
    if as_json:
        echo_json(found)
    else:
        for name, state in found.items():
            echo(f"{name:24} {state}", fg=None if state == "same" else "red")
    sys.exit(any(state != "same" for state in found.values()))


@click.command()
@click.argument("out", type=_OUT)
@_reads_folder
def report(out: Path) -> None:
    """Write OUT's report.html again."""
    from curate.run.outputs import rewrite_report

    echo(rewrite_report(out))


@click.command()
def schema() -> None:
    """Print the JSON Schema of recipes."""
    from curate.recipe.reference import schema as make

    echo_json(make())


@click.command()
@click.argument("out", type=_OUT)
@click.option(
    "--format",
    "format_",
    required=True,
    help="prompt_completion, messages, alpaca, sharegpt, preference, dataset; axolotl, llamafactory.",
)
@click.option("--to", type=_OUT, help="File or folder to write.  [default: OUT/train.FORMAT.jsonl, or OUT/FORMAT]")
@click.option("--config", type=_OUT, help="For axolotl and llamafactory: the training config to say in their words.")
@_reads_folder
def export(out: Path, format_: str, to: Path | None, config: Path | None) -> None:
    """Write the set of OUT in another format, or for another trainer: its data and its config."""
    from curate.errors import did_you_mean
    from curate.report.exports import EXPORTERS
    from curate.run import work

    if format_ in EXPORTERS:
        for file in EXPORTERS[format_](out, to or out / format_, config, lambda said: echo(said, fg="yellow")):
            echo(file)
        return
    if format_ not in work.EXPORTS:
        raise click.BadParameter(did_you_mean(format_, [*work.EXPORTS, *EXPORTERS]), param_hint="--format")
    if config:
        raise click.BadParameter(f"belongs to {' and '.join(EXPORTERS)}", param_hint="--config")
    echo(work.export(out, format_, to))


@click.command()
@_json
def doctor(as_json: bool) -> None:
    """Show what this machine has for curate, and what is missing for what."""
    from curate.cli.doctor import look

    if as_json:
        echo_json(list(look()))
        return
    for line in look():
        echo(f"{'ok ' if line['ok'] else '-- '} {line['what']:12} {line['note']}")


commands = [show, check, list_, why, diff, verify, report, schema, export, doctor]
