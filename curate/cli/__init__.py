"""The command: parse, call one library function, print. Heavy imports wait inside the commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

import curate
from curate.cli import ablate, answer, bench, cache, folder, hub, judge, pool, recipe, review, train, view, vote
from curate.cli.echo import echo, stop
from curate.errors import UserError, missing_package, visible
from curate.models.settings import mask


class _Command(click.Group):
    """A group that tells user errors in words, with exit code 2; anything else is a bug and shows its trace."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole first sentence: click's own list cuts it."""
        rows = [(name, self.commands[name].get_short_help_str(limit=1000)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        in_json = "--json" in ctx.args
        end = partial(stop, as_json=in_json)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except click.ClickException as error:
            message = visible(error.format_message())  # it quotes what was typed
            if in_json:
                end(message, error.exit_code)
            error.format_message = lambda: message  # type: ignore[method-assign]
            raise
        except KeyboardInterrupt:
            end("Stopped. Finished stages are kept: the same command goes on from there.", 130)
        except UserError as error:
            end(str(error), 2)
        except Exception as error:
            words = missing_package(error) or _os_words(error)
            if words is None:
                raise
            end(words, 2)


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
@click.option("-v", "--verbose", is_flag=True, help="Say on standard error what is read, reused and built.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no tables: data, paths and errors only.")
@click.pass_context
def main(ctx: click.Context, verbose: bool, quiet: bool) -> None:
    """Build small, high-quality training sets, and say for every row why it is in or out."""
    from curate.train.launch import wait_asleep

    wait_asleep()
    if verbose:
        ctx.call_on_close(_log())
    if quiet:
        ctx.call_on_close(_hush())


def _hush() -> Callable[[], None]:
    """Print no tables and no progress; return what ends that."""
    from curate.report.terminal import console

    console.quiet = True
    return lambda: setattr(console, "quiet", False)


def _log() -> Callable[[], None]:
    """Print what the library logs, not only its warnings; return what ends that."""
    import logging

    class Echo(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            echo(mask(self.format(record)), err=True)

    logger, handler = logging.getLogger("curate"), Echo()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    def end() -> None:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)

    return end


for _group in (recipe, folder, review, view, pool, train, answer, judge, vote, bench, ablate, cache, hub):
    for _command in _group.commands:
        main.add_command(_command)
