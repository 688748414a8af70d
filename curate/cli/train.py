"""The commands `train …`: fine-tune on a set, prefer the chosen answers, or both in a row."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import click

from curate.cli.echo import echo, echo_json
from curate.train.stages import STAGES

_OPTIONS = (
    click.argument("config", type=click.Path(path_type=Path)),
    click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a key, dotted; repeat."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for model and record.  [default: out/CONFIG's name]",
    ),
    click.option("--preflight", is_flag=True, help="Only do the checks that stand before training."),
    click.option("--force", is_flag=True, help="Train in spite of what the checks refuse; the record will say so."),
    click.option("--fresh", is_flag=True, help="Train again from the start, finished or not."),
    click.option("--json", "as_json", is_flag=True, help="Print the record instead of a summary."),
)


@click.group()
def train() -> None:
    """Train a model on a set through TRL: paths in, paths out.

    A run that was stopped goes on from its last checkpoint by the same command. It runs under torchrun and accelerate
    launch too.
    """


def _command(stage: str, title: str) -> None:
    def command(config: Path, sets: tuple[str, ...], out: Path | None, **options: Any) -> None:
        _train(stage, config, sets, out or Path("out") / config.stem, **options)

    command.__doc__ = title
    for option in reversed(_OPTIONS):
        command = option(command)
    train.command(stage)(command)


def _train(
    stage: str, config: Path, sets: tuple[str, ...], out: Path, preflight: bool, force: bool, fresh: bool, as_json: bool
) -> None:
    from curate.train import chains, launch, run
    from curate.train.config import read, resolve

    if preflight:
        if stage == "chain":
            findings = chains.check_chain(config, out, sets=sets, on_preflight=_show_masks)
        else:
            findings = run.check(resolve(stage, *read(config, sets)), out, on_preflight=_show_masks)
        return _show_findings(findings, as_json) if launch.rank() == 0 else None
    start: Callable[..., dict[str, Any]] = chains.run_chain if stage == "chain" else partial(run.run, stage)
    with redirect_stdout(sys.stderr):  # what trl logs on its way
        record = start(config, out, sets=sets, force=force, fresh=fresh, on_preflight=_show_preflight)
    if launch.rank():
        return None
    if as_json:
        return echo_json(record)
    for one in record.values() if stage == "chain" else [record]:
        _show(one)
    if launch.world_size() == 1:
        import torch

        more = ["--out", str(out), *(part for assignment in sets for part in ("--set", assignment))]
        lines = launch.lines(stage, str(config), more=more, accelerator=torch.accelerator.is_available())
        echo("\n".join(["in several processes:", *lines]))
    return None


def _show_masks(masks: list[Any], findings: list[Any]) -> None:
    """Show rows as the loss sees them, beside the data that go to standard output."""
    from curate.report import terminal
    from curate.train.preflight import show

    show(masks, terminal.errors)


def _show_preflight(masks: list[Any], findings: list[Any]) -> None:
    """Show rows as the loss sees them, and what to mind of them."""
    _show_masks(masks, findings)
    for finding in findings:
        if finding.level == "warn":
            echo(f"{finding.check}: {finding.message}", fg="yellow", err=True)


def _show_findings(findings: list[Any], as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            echo(f"{finding.check}: {finding.message}", fg="red" if finding.level == "stop" else "yellow")
        echo("Nothing was trained." if findings else "Nothing was found, and nothing was trained.")
    if any(finding.level == "stop" for finding in findings):
        sys.exit(2)


def _show(record: dict[str, Any]) -> None:
    from curate.train.pages import PAGE, PLOTS
    from curate.train.plots import summary

    data, out = record["data"], Path(record["model_out"]["path"]).parent
    if record.get("reused"):
        echo(f"{record['stage']}: finished before, as the same config, data and model; --fresh trains it again")
    lines = [
        f"{record['stage']}: {data['rows_trained']:,} of {data['rows_in']:,} rows, {record['steps']:,} steps of "
        f"{record['effective_batch']:,} rows, {record['seconds']:,.0f} s on {record['world_size']} process(es)",
        *summary(out / "log.jsonl"),
        f"went on from step {record['resumed_from_step']:,}" if record.get("resumed_from_step") else "",
        *(f"note: {note}" for note in record["said"]),
        *(f"forced: {forced['message']}" for forced in record["forced"]),
        f"model: {record['model_out']['path']}",
        *(f"plot: {plot}" for plot in sorted((out / PLOTS).glob("*.svg"))),
        f"page: {out / PAGE}",
    ]
    echo("\n".join(filter(None, lines)))


for _name, _title in STAGES.items():
    _command(_name, f"{_title}, as CONFIG says.")
_command("chain", "Fine-tune, then DPO from the model that came out; CONFIG has a block for each.")


commands = (train,)
