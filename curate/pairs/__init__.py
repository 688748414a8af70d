"""Steps that make answers, and pairs of a chosen and a rejected one."""

from typing import TYPE_CHECKING

from curate import lazy

if TYPE_CHECKING:
    from curate.pairs.best import best as best
    from curate.pairs.best import best_of as best_of
    from curate.pairs.best import judged as judged
    from curate.pairs.respond import respond as respond
    from curate.pairs.styles import styles as styles
    from curate.pairs.votes import votes as votes

# Each maker, and its module.
__all__ = lazy(
    __name__,
    {
        "best": "best",
        "best_of": "best",
        "judged": "best",
        "respond": "respond",
        "styles": "styles",
        "votes": "votes",
    },
)
