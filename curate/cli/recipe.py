"""Commands about recipes: init, run, check; list and schema, of what they hold; doctor, of what this machine has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from curate.address import Address
from curate.cli import options
from curate.cli.echo import echo, echo_json, stop
from curate.cli.options import PATH, PLACE

_KINDS = ["filters", "sources", "generators", "judges", "pairs", "recipes"]


@click.command()
@options.recipe
@options.sets
@click.option("--seed", type=int, help="Use this seed instead of the recipe's.")
@click.option(
    "--out", type=PLACE, metavar="FOLDER", help="Folder for the outputs, or s3://, gs://.  [default: out/NAME]"
)
@click.option("--limit", type=click.IntRange(1), help="Read at most this many rows of each part of a source.")
@click.option("--batch-rows", type=click.IntRange(1), default=20_000, show_default=True, help="Rows judged at a time.")
@click.option("--fresh", is_flag=True, help="Do every stage again.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="ENGINE",
    help="Where the work is done: local, in this process; ray, a process a core; or the address of a Ray cluster.",
)
@options.as_json
def run(
    recipe: Path,
    sets: tuple[str, ...],
    seed: int | None,
    out: Path | Address | None,
    limit: int | None,
    batch_rows: int,
    fresh: bool,
    engine: str,
    as_json: bool,
) -> None:
    """Run RECIPE: from its sources to a set, with a ledger of every row."""
    from curate.recipe.load import load
    from curate.run.remote import run_to
    from curate.run.run import run_recipe
    from curate.run.state import Shortfall
    from curate.run.timetable import Timetable

    plan = load(recipe, sets, seed=seed)
    folder = out or Path("out") / plan.name
    from curate.report import terminal

    timetable = Timetable()
    with terminal.progress(timetable.line) as tell:
        more: dict[str, Any] = {
            "fresh": fresh,
            "limit": limit,
            "batch_rows": batch_rows,
            "progress": tell,
            "timetable": timetable,
            "engine": engine,
        }
        try:
            manifest = run_to(plan, folder, **more) if isinstance(folder, Address) else run_recipe(plan, folder, **more)
        except Shortfall as short:
            manifest = short.manifest
    if as_json:
        echo_json(manifest)
    else:
        terminal.show_run(manifest, str(folder))
    lines = terminal.failures(manifest, str(folder))
    if lines:
        stop("\n".join(lines), as_json=as_json)


@click.command()
@options.recipe
@options.sets
@click.option("--rows", type=click.IntRange(1), default=1000, show_default=True, help="Rows of each source to draw.")
@options.trust
@options.as_json
def check(recipe: Path, sets: tuple[str, ...], rows: int, trust: bool, as_json: bool) -> None:
    """Validate RECIPE, show its plan, and predict from a sample what each source and step leaves.

    Functions of your own that it names (`module:function`) run only with --trust; without it, what rests on them is not
    tried.
    """
    from curate.recipe.load import load
    from curate.report import terminal
    from curate.run.prediction import sample_yield, size_reached

    plan = load(recipe, sets, trusted=trust)
    sample = sample_yield(plan, rows)
    if as_json:
        echo_json({"recipe": plan.raw, "sample": sample, "not_run": list(plan.unrun)})
    else:
        terminal.show_plan(plan, sample, size_reached(plan, sample))


@click.command()
@click.argument("file", type=PATH)
@click.option("-o", "--out", type=PATH, metavar="RECIPE", help="Recipe to write.  [default: NAME.yaml, after FILE]")
@options.as_json
def init(file: Path, out: Path | None, as_json: bool) -> None:
    """Look at FILE, say what it holds, and write a first recipe that runs."""
    from curate.folders import put_alone
    from curate.report import terminal
    from curate.run.look import facts, look, recipe, recipe_file

    sample = look(file)
    summary, out = facts(sample), out or recipe_file(file)
    if not as_json:
        terminal.show_facts(summary)
    put_alone(out, recipe(sample, summary, out), by="init", option="--out")
    if as_json:
        echo_json({**summary, "recipe": str(out)})
    else:
        echo(f"{out} is written; `curate run {out}` makes a set of it.")


@click.command("list")
@click.argument("kind", metavar=f"[{'|'.join(_KINDS)}]", required=False)
@click.argument("name", required=False, shell_complete=options.names)
@options.as_json
def list_(kind: str | None, name: str | None, as_json: bool) -> None:
    """List filters, sources, generators, judges, pairs and recipes; with NAME, print the reference of one."""
    from curate.recipe.reference import catalog, kind_with, reference
    from curate.report import terminal

    if kind and kind not in _KINDS:
        kind, name = kind_with(name or kind, _KINDS), name or kind
    if kind and name:
        echo(reference(kind, name))
        return
    catalogs = {k: catalog(k) for k in ([kind] if kind else _KINDS)}
    if as_json:
        echo_json(catalogs)
    else:
        terminal.show_catalog(catalogs)


@click.command()
def schema() -> None:
    """Print the JSON Schema of recipes."""
    from curate.recipe.reference import schema as make

    echo_json(make())


@click.command()
@options.as_json
def doctor(as_json: bool) -> None:
    """Show what this machine has for curate, and what is missing for what."""
    from curate.cli.doctor import look

    if as_json:
        echo_json(list(look()))
        return
    for line in look():
        echo(f"{'ok ' if line['ok'] else '-- '} {line['what']:12} {line['note']}")


commands = (init, run, check, list_, schema, doctor)
