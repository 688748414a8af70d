"""The process of one node: `python -m curate.ablate.job FOLDER`, where the folder says what is to be done."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from curate.ablate.node import finish, read_node
from curate.errors import UserError
from curate.settings import mask
from curate.train.launch import wait_asleep
from curate.visible import visible


def main(folder: Path) -> None:
    """Do a node's work, then mark it as done, with the name of what it made."""
    wait_asleep()
    from curate.ablate.work import WORK

    node, rests_on = read_node(folder)
    started = time.monotonic()
    content = WORK[node.kind](node, folder, folder.parent.parent)
    finish(folder, {**rests_on, "content": content, "seconds": round(time.monotonic() - started, 1)})


def in_words(work: object, *args: object) -> None:
    """Run a process's work; a user error is told in words, with exit code 2."""
    try:
        work(*args)  # type: ignore[operator]
    except UserError as error:
        print(visible(mask(" ".join(str(error).split()))), file=sys.stderr)  # one line: the log's last is what is told
        sys.exit(2)


if __name__ == "__main__":
    in_words(main, Path(sys.argv[1]))
