"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
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
