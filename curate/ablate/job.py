"""The process of one node: `python -m curate.ablate.job FOLDER`, where the folder says what is to be done."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from curate.ablate.node import FOLDERS, begin, finish, finished, read_node
from curate.errors import UserError
from curate.train.launch import wait_asleep


def main(folder: Path) -> None:
    """Do a node's work, then mark it as done with the content of what it made."""
    wait_asleep()
    from curate.ablate.inputs import inputs
    from curate.ablate.work import WORK

    node, out = read_node(folder), folder.parent.parent
    begin(folder)
    rests_on = inputs(node, out)  # as it is before the work: what changes meanwhile is noticed the next time
    needs = {need: _content(out, need) for need in node.needs}
    started = time.monotonic()
    content = WORK[node.kind](node, folder, out)
    seconds = round(time.monotonic() - started, 1)
    finish(folder, {"content": content, "needs": needs, "inputs": rests_on, "seconds": seconds})


def _content(out: Path, key: str) -> str:
    done = (finished(out / folder / key) for folder in FOLDERS.values())
    return next(str(told["content"]) for told in done if told)


def in_words(work: object, *args: object) -> None:
    """Run a process's work; a user error is told in words, with exit code 2."""
    try:
        work(*args)  # type: ignore[operator]
    except UserError as error:
        print(error, file=sys.stderr)  # into the log
        sys.exit(2)


if __name__ == "__main__":
    in_words(main, Path(sys.argv[1]))
