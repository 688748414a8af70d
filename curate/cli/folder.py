"""Commands about a finished folder: show, why, diff, verify, which ask it; report and export, which write again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json
from curate.cli.options import PATH, PLACE

_READ = ("manifest.json", "ledger.parquet", "train.parquet")


def _reads_folder(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one sentence where a folder that a command reads is none of ours: it may be a stranger's, or damaged.

    Of a folder in a store, what all these commands read is fetched.
    """

    @wraps(command)
    def reads(**params: Any) -> None:
        from curate.run.folder import as_written
        from curate.run.remote import opened

        with ExitStack() as stack:
            for name in sorted({"out", "out_a", "out_b"} & params.keys()):
                params[name] = stack.enter_context(opened(params[name], _READ))
            stack.enter_context(as_written(params.get("out") or params["out_a"]))
            command(**params)

    return reads


@click.command()
@click.argument("out", type=PLACE)
@click.option("--rows", type=click.IntRange(1), default=3, show_default=True, help="How many; the set is shuffled.")
@options.as_json
@_reads_folder
def show(out: Path, rows: int, as_json: bool) -> None:
    """Show some rows of OUT as a reader sees them: what is asked, and the answer or both of a pair."""
    from curate.report import terminal
    from curate.run import folder

    result = folder.some_rows(out, rows)
    echo_json(result) if as_json else terminal.show_rows(result)


@click.command()
@click.argument("out", type=PLACE)
@click.argument("id_", metavar="ID")
@options.as_json
@_reads_folder
def why(out: Path, id_: str, as_json: bool) -> None:
    """Tell the way of one row of OUT: verdict, value and evidence at each step. The beginning of an ID is enough."""
    from curate.report import terminal
    from curate.run import folder

    result = folder.why(out, id_)
    echo_json(result) if as_json else terminal.show_why(result)


@click.command()
@click.argument("out_a", type=PLACE)
@click.argument("out_b", type=PLACE)
@options.as_json
@_reads_folder
def diff(out_a: Path, out_b: Path, as_json: bool) -> None:
    """Show the rows gained and lost from OUT_A to OUT_B, and by which step."""
    from curate.report import terminal
    from curate.run import folder

    changes = folder.diff(out_a, out_b)
    echo_json(changes.to_dicts()) if as_json else terminal.show_diff(changes)


@click.command()
@click.argument("out", type=PLACE)
@options.trust
@options.as_json
def verify(out: Path, trust: bool, as_json: bool) -> None:
    """Derive OUT again from its recipe and inputs, and compare the hashes. Exit code 1 when something differs.

    Where the recipe names code of its own (`module:function`), that needs --trust.
    """
    from curate.report import terminal
    from curate.run import check
    from curate.run.remote import opened

    with opened(out) as folder, terminal.progress() as tell:
        states = check.verify(folder, trusted=trust, progress=tell)
    if as_json:
        echo_json(states)
    else:
        for name, state in states.items():
            echo(f"{name:24} {state}", fg=None if state == "same" else "red")
    sys.exit(any(state != "same" for state in states.values()))


@click.command()
@click.argument("out", type=PATH)
@_reads_folder
def report(out: Path) -> None:
    """Write OUT's report.html again."""
    from curate.run.outputs import rewrite_report

    echo(rewrite_report(out))


@click.command()
@click.argument("out", type=PATH)
@click.option(
    "--format",
    "format_",
    required=True,
    help="prompt_completion, messages, openai, alpaca, sharegpt, preference, implicit, unpaired (KTO), prompts, hh: "
    "JSON lines; dataset: a folder for load_from_disk; axolotl, llamafactory: other trainers; argilla, label_studio: "
    "people who review it.",
)
@click.option("--to", type=PATH, help="File or folder to write.  [default: OUT/train.FORMAT.jsonl, or OUT/FORMAT]")
@click.option("--config", type=PATH, help="For axolotl and llamafactory: the training config to say in their words.")
@_reads_folder
def export(out: Path, format_: str, to: Path | None, config: Path | None) -> None:
    """Write the set of OUT in another format, for another trainer with its config, or for people to review."""
    from curate.errors import did_you_mean
    from curate.report.exports import EXPORTERS, REVIEWS
    from curate.run import folder

    if format_ in EXPORTERS:
        for file in EXPORTERS[format_](out, to or out / format_, config, lambda line: echo(line, fg="yellow")):
            echo(file)
        return
    if format_ not in (*folder.EXPORTS, *REVIEWS):
        names = [*folder.EXPORTS, *EXPORTERS, *REVIEWS]
        raise click.BadParameter(did_you_mean(format_, names), param_hint="--format")
    if config:
        raise click.BadParameter(f"belongs to {' and '.join(EXPORTERS)}", param_hint="--config")
    files = REVIEWS[format_](out, to or out / format_) if format_ in REVIEWS else [folder.export(out, format_, to)]
    for file in files:
        echo(file)


commands = (show, why, diff, verify, report, export)
