"""The command: parse, call one library function, print. Heavy imports wait inside the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import curate
from curate.cli import ablate, answer, ask, bench, cache, judge, pool, train, vote
from curate.cli.echo import echo, echo_json
from curate.errors import UserError, missing_package, visible
from curate.models.settings import mask

_FOLDER = click.Path(path_type=Path, file_okay=False)


class _Command(click.Group):
    """A group that tells user errors in words, with exit code 2; anything else is a bug and shows its trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except click.ClickException as error:
            message = visible(error.format_message())  # it quotes what was typed
            error.format_message = lambda: message  # type: ignore[method-assign]
            raise
        except KeyboardInterrupt:
            _stop("Stopped. Finished stages are kept: the same command goes on from there.", 130)
        except UserError as error:
            _stop(str(error), 2)
        except Exception as error:
            words = missing_package(error) or _os_words(error)
            if words is None:
                raise
            _stop(words, 2)


def _stop(message: str, code: int) -> None:
    echo(mask(message), err=True, fg="red")
    sys.exit(code)


def _os_words(error: Exception) -> str | None:
    """Say what the disk refused, also where an engine's own error type hides it; None for any other error."""
    import re
    import tempfile

    text = re.sub(r"^\[\w+ \d+\] ", "", str(error).partition("\n")[0])
    if any(sign in text for sign in ("No space left", "not enough space", "Disk quota", "File too large")):
        return (
            "The disk is full, or a file may not grow further. Outputs and stages stand where --out says, what is "
            f"held only for a while in {tempfile.gettempdir()}. Finished stages are kept: make room and run the same "
            "command again."
        )
    if any(sign in text for sign in ("Read-only file system", "Permission denied", "Operation not permitted")):
        return f"A file cannot be read or written: {text}"
    # click itself ends a broken pipe in silence
    return text if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) else None


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(curate.__version__, prog_name="curate")
def main() -> None:
    """Build small, high-quality training sets, and say for every row why it is in or out."""


_recipe = click.argument("recipe", type=click.Path(path_type=Path))
_sets = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe, dotted; repeat."
)
_seed = click.option("--seed", type=int, help="Use this seed instead of the recipe's.")
_json = click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")


@main.command()
@_recipe
@_sets
@_seed
@click.option("--out", type=_FOLDER, help="Folder for the outputs.  [default: out/NAME]")
@click.option("--limit", type=click.IntRange(1), help="Read at most this many rows of each part of a source.")
@click.option("--batch-rows", type=click.IntRange(1), default=10_000, show_default=True, help="Rows judged at a time.")
@click.option("--fresh", is_flag=True, help="Do every stage again.")
@_json
def run(
    recipe: Path,
    sets: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    limit: int | None,
    batch_rows: int,
    fresh: bool,
    as_json: bool,
) -> None:
    """Run RECIPE: from its sources to a set, with a ledger of every row."""
    from curate.recipe.load import load
    from curate.run.run import run_recipe

    plan = load(recipe, sets, seed=seed)
    folder = out or Path("out") / plan.name
    from curate.report import terminal

    with terminal.progress() as tell:
        manifest = run_recipe(plan, folder, fresh=fresh, limit=limit, batch_rows=batch_rows, progress=tell)
    if as_json:
        echo_json(manifest)
    else:
        terminal.show_run(manifest, str(folder))
    lines = terminal.failures(manifest)
    if lines:
        _stop("\n".join(lines), 2)


for _command in (
    *ask.commands,
    pool.diversity,
    pool.shortcuts,
    train.train,
    answer.answer,
    answer.choose,
    judge.judge,
    vote.vote,
    bench.bench_model,
    ablate.ablate,
    cache.cache,
):
    main.add_command(_command)
