"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from curate.address import Address, AddressError, is_address

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)


class _Place(click.ParamType):  # type: ignore[type-arg]
    """A folder, or an address in a store, of which `//` would become `/` in a path."""

    name = "folder or address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Address:
        if not is_address(value):
            return Path(FOLDER.convert(value, param, ctx))
        try:
            return Address(value)
        except AddressError as error:
            self.fail(str(error), param, ctx)


PLACE = _Place()


def recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a packaged recipe, else of a file."""
    from curate.recipe.extends import packaged

    names = [CompletionItem(name) for name in packaged() if incomplete and name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a filter, a source or another thing of the kind that was typed before."""
    from curate.recipe.reference import catalog

    kind = ctx.params.get("kind")
    return (
        [CompletionItem(r["name"], help=r["does"]) for r in catalog(kind) if r["name"].startswith(incomplete)]
        if kind
        else []
    )


recipe = click.argument("recipe", type=PATH, shell_complete=recipes)
as_json = click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")
sets = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe, dotted; repeat."
)
trust = click.option("--trust", is_flag=True, help="Run the recipe's own code, `module:function`: you have read it.")
judges = click.option(
    "--judges", type=PATH, metavar="FILE", help="YAML with `judges:` and `generators:`, as in a recipe."
)


def settings(option: str, assignments: tuple[str, ...]) -> dict[str, Any]:
    """Read an option that takes KEY=VALUE, dotted, several times."""
    from curate.recipe.places import set_value

    values: dict[str, Any] = {}
    for assignment in assignments:
        try:
            set_value(values, assignment)
        except ValueError as error:
            raise click.UsageError(str(error).replace("--set", f"--{option}")) from None
    return values
