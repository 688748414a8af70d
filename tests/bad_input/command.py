"""What the tests of bad input share: a small recipe, and the command that ends well or in one screen of words."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

from click.testing import CliRunner

from curate.cli import main

GOOD = 200  # rows of the one file there is
STEPS = [{"keep": {"length": {"min": 10}}}]


def recipe(steps=STEPS, read=None, **more):
    source = {"read": read or {"jsonl": {"path": "one.jsonl"}}, "steps": steps}
    return {"name": "test", "sources": {"one": source}} | more


def call(*args):
    return CliRunner().invoke(main, ["run", "recipe.yaml", *map(str, args)])


def done(*args):
    """Run to the end; give the manifest."""
    result = call(*args, "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def refused(*args):
    """Run into an error that the user can mend; give what the screen says."""
    result = call(*args)
    assert result.exit_code == 2, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    assert 0 < sum(math.ceil(max(len(line), 1) / 80) for line in result.output.splitlines()) < 24, result.output
    return result.output


def quarantine(out="out/test"):
    return [json.loads(line) for line in (Path(out) / "quarantine.jsonl").read_text("utf-8").splitlines()]


def posts(n, site):
    drawn = random.Random(site)
    lines = []
    for i in range(1, 2 * n, 2):
        said = " ".join(drawn.randbytes(4).hex() for _ in range(30))
        lines.append(
            f'<row Id="{i}" PostTypeId="1" Score="3" Title="How hot, {site} {i}?" Body="For tea." Tags="|a|" />\n'
        )
        lines.append(f'<row Id="{i + 1}" PostTypeId="2" ParentId="{i}" Score="12" Body="{said}" />\n')
    return '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(lines) + "</posts>\n"


DUMPS = recipe(
    [{"edit": {"prompt_from_title_or_body": {}}}, *STEPS],
    read={"stackexchange": {"path": "dumps"}},
)
