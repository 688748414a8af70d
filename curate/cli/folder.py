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
@click.option("-n", "--rows", type=click.IntRange(1), default=3, show_default=True, help="How many.")
@click.option("--dropped", metavar="STEP", help="Rows that this step dropped, by its label.")
@click.option("--near", type=click.IntRange(1), metavar="N", help="The N rows that failed one step only, by the least.")
@click.option("--search", metavar="WORDS", help="Rows of the input whose texts hold all of these words.")
@click.option("--id", "id_", metavar="ID", help="The row with this id; the beginning of it is enough.")
@options.as_json
@_reads_folder
def show(
    out: Path, rows: int, dropped: str | None, near: int | None, search: str | None, id_: str | None, as_json: bool
) -> None:
    """Show some rows of OUT as a reader sees them: what is asked, and the answer or both of a pair.

    With --dropped, --near, --search or --id rows that fell are shown too: their texts are read again from the input,
    with the evidence marked, and a row that repeats another beside that one.
    """
    from curate.report import terminal
    from curate.run import folder
    from curate.run.inputs import look

    if dropped is None and near is None and search is None and id_ is None:
        result = folder.some_rows(out, rows)
        return echo_json(result) if as_json else terminal.show_rows(result)
    if sum(option is not None for option in (near, search, id_)) > 1:
        raise click.UsageError("--near, --search and --id each choose rows in a way of their own: give one of them")
    found, notes = look(out, rows, dropped=dropped, near=near, search=search, row=id_)
    return echo_json({"rows": found, "notes": notes}) if as_json else terminal.show_rows(found, notes)


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


@click.command("what-if")
@click.argument("out", type=PLACE)
@click.argument("conditions", metavar="CONDITION...", nargs=-1, required=True)
@options.as_json
@_reads_folder
def what_if(out: Path, conditions: tuple[str, ...], as_json: bool) -> None:
    """Say what another bound would gain and lose, from the ledger of OUT: nothing runs again.

    A CONDITION is a measured column of the ledger and what is to pass, as "length.response >= 800"; each is asked for
    itself. It takes the place of the step's bound on that side. Steps that run a model or look at the whole pool are
    not done again: where that matters, numbers are marked as the most that they can be.
    """
    from curate.report import terminal
    from curate.run.what_if import thresholds

    moves = thresholds(out, conditions).to_dicts()
    echo_json(moves) if as_json else terminal.show_moves(moves)


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
    from curate.run.timetable import Timetable

    timetable = Timetable()
    with opened(out) as folder, terminal.progress(timetable.line) as tell:
        states = check.verify(folder, trusted=trust, progress=tell, timetable=timetable)
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


commands = (show, why, what_if, diff, verify, report, export)
