"""Sources by format: each function lists the parts it would read, and each part reads itself as a stream of batches."""

from curate.sources.docstrings import docstrings
from curate.sources.jsonl import jsonl
from curate.sources.stackexchange import stackexchange

__all__ = ["docstrings", "jsonl", "stackexchange"]
