"""The command `ablate`: which property of the data made the difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json
from curate.cli.options import FOLDER, PATH


@click.command()
@click.argument("target", metavar="RECIPE_OR_OUT", type=PATH)
@click.option("--dry-run", is_flag=True, help="Print the plan, and stop.")
@click.option("--only", metavar="ARM,…", default="", help="Run these arms only.")
@click.option("--small", is_flag=True, help="Lay the recipe's `small:` over it: a size for two cores.")
@options.sets
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes at a time.")
@click.option("--runner", metavar="TEMPLATE", help="Start each process so, as 'srun --gres=gpu:1 {command}'.")
@click.option("--out", type=FOLDER, help="Folder of the ablation.  [default: out/NAME]")
@click.option("--fresh", is_flag=True, help="Do everything again, finished or not.")
@options.as_json
def ablate(target: Path, as_json: bool, **options: Any) -> None:
    """Run an ablation: arms that differ in one thing, trained and asked alike, their grades compared.

    RECIPE_OR_OUT is an ablation's recipe (or the name of a packaged one). It is also a finished ablation's folder, of
    which the numbers are computed again from its grades, or a finished set's folder: then its ledger answers, without
    any training, what each filter alone is worth.
    """
    if (target / "ablation.json").is_file():
        return _again(target, as_json)
    if (target / "ledger.parquet").is_file():
        return _ask_ledger(target, as_json)
    return _run(target, as_json, **options)


commands = (ablate,)


def _run(
    recipe: Path,
    as_json: bool,
    *,
    dry_run: bool,
    only: str,
    small: bool,
    sets: tuple[str, ...],
    jobs: int,
    runner: str | None,
    out: Path | None,
    fresh: bool,
) -> None:
    from curate.ablate.ablation import carry_out
    from curate.ablate.plan import as_data, plan, show
    from curate.ablate.reading import load
    from curate.ablate.running import Processes

    jobs_to_do = plan(load(recipe, sets, small=small))
    folder = out or Path("out") / jobs_to_do.ablation.keys.name
    Processes(runner)  # a template that is wrong is said before anything runs
    if as_json and dry_run:
        return echo_json(as_data(jobs_to_do, folder))
    show(jobs_to_do, folder)
    if dry_run:
        return None
    results = carry_out(
        jobs_to_do,
        folder,
        only=[name for name in only.split(",") if name],
        jobs=jobs,
        runner=runner,
        fresh=fresh,
        tell=lambda line: echo(line, err=True),
    )
    return _results(results, folder, as_json)


def _again(out: Path, as_json: bool) -> None:
    """Compute an ablation's numbers once more from its grades, and say whether they are what they were."""
    from curate.ablate import report
    from curate.run.folder import as_written

    with as_written(out, "ablate"):
        again = (out / report.RESULTS).is_file()
        differences = report.recompute(out) if again else []
        results = report.write(out)
    _results(results, out, as_json)
    verdict = "NOT what they were" if differences else "the same as before" if again else "new"
    echo(f"The numbers, computed again from {out / report.GRADES}, are {verdict}.", err=True)
    for line in differences:
        echo(line, err=True)


def _ask_ledger(out: Path, as_json: bool) -> None:
    """Say what a finished set's ledger knows: what each step alone keeps out."""
    from curate.ablate import ledger
    from curate.report import terminal
    from curate.run.folder import as_written

    with as_written(out):
        answers = ledger.leave_one_out(out)
    if as_json:
        return echo_json(answers.to_dicts())
    return terminal.console.print(ledger.show(answers))


def _results(results: dict[str, Any], out: Path, as_json: bool) -> None:
    from curate.ablate import report
    from curate.report import terminal

    if as_json:
        return echo_json(results)
    terminal.console.print(report.show(results))
    return echo(out / report.PAGE)
