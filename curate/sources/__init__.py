"""Sources by format: each function lists the parts it would read, and each part reads itself as a stream of batches."""

from typing import TYPE_CHECKING

from curate import lazy

if TYPE_CHECKING:
    from curate.sources.authored import authored as authored
    from curate.sources.csv import csv as csv
    from curate.sources.docstrings import docstrings as docstrings
    from curate.sources.hf import hf as hf
    from curate.sources.jsonl import jsonl as jsonl
    from curate.sources.natural_instructions import natural_instructions as natural_instructions
    from curate.sources.parquet import parquet as parquet
    from curate.sources.questions import questions as questions
    from curate.sources.questions.topics import topics as topics
    from curate.sources.reddit import reddit as reddit
    from curate.sources.stackexchange import stackexchange as stackexchange
    from curate.sources.wikihow import wikihow as wikihow

# Each source, and its module.
__all__ = lazy(
    __name__,
    {
        "authored": "authored",
        "csv": "csv",
        "docstrings": "docstrings",
        "hf": "hf",
        "jsonl": "jsonl",
        "natural_instructions": "natural_instructions",
        "parquet": "parquet",
        "questions": "questions",
        "reddit": "reddit",
        "stackexchange": "stackexchange",
        "topics": "questions.topics",
        "wikihow": "wikihow",
    },
)
