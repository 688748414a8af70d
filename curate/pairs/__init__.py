"""Steps that make answers, and pairs of a chosen and a rejected one."""

from curate.pairs.best import best, best_of, judged
from curate.pairs.respond import respond
from curate.pairs.styles import styles
from curate.pairs.votes import votes

__all__ = ["best", "best_of", "judged", "respond", "styles", "votes"]
