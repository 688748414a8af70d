"""Sources by format: each function lists the parts it would read, and each part reads itself as a stream of batches."""

from curate.sources.authored import authored
from curate.sources.csv import csv
from curate.sources.docstrings import docstrings
from curate.sources.jsonl import jsonl
from curate.sources.natural_instructions import natural_instructions
from curate.sources.parquet import parquet
from curate.sources.questions import questions
from curate.sources.questions.topics import topics
from curate.sources.reddit import reddit
from curate.sources.stackexchange import stackexchange
from curate.sources.wikihow import wikihow

__all__ = [
    "authored",
    "csv",
    "docstrings",
    "jsonl",
    "natural_instructions",
    "parquet",
    "questions",
    "reddit",
    "stackexchange",
    "topics",
    "wikihow",
]
