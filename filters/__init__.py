"""Filters by topic: properties, edits and scores of a row, and selectors over the whole pool.

To add one: write a function in a module of this folder, its table in `tests/filters`, and its name here.
"""

from curate.filters.contamination import contaminated, semantically_contaminated
from curate.filters.diversity import cluster, coverage, farthest, threshold
from curate.filters.duplicates import exact_duplicates, near_duplicates, semantic_duplicates
from curate.filters.markup import html_to_markdown, strip_links
from curate.filters.pairs import alike, length_ratio
from curate.filters.safety import personal_data, toxic
from curate.filters.sampling import domains, enough, quotas, random, top
from curate.filters.size import at_least, at_most, length
from curate.filters.text import matches, prompt_from_title_or_body, replace_opening, self_contained
from curate.filters.voice import claims_human, first_person, mentions, refuses, says_ai

__all__ = [
    "alike",
    "at_least",
    "at_most",
    "claims_human",
    "cluster",
    "contaminated",
    "coverage",
    "domains",
    "enough",
    "exact_duplicates",
    "farthest",
    "first_person",
    "html_to_markdown",
    "length",
    "length_ratio",
    "matches",
    "mentions",
    "near_duplicates",
    "personal_data",
    "prompt_from_title_or_body",
    "quotas",
    "random",
    "refuses",
    "replace_opening",
    "says_ai",
    "self_contained",
    "semantic_duplicates",
    "semantically_contaminated",
    "strip_links",
    "threshold",
    "top",
    "toxic",
]
