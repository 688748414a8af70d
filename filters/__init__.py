"""Filters by topic: properties, edits and scores of a row, and selectors over the whole pool.

To add one: write a function in a module of this folder, its table in `tests/filters`, and its name here.
"""

from typing import TYPE_CHECKING

from curate import lazy
from curate.filters.sampling import quotas as quotas

if TYPE_CHECKING:
    from curate.filters.contamination import contaminated as contaminated
    from curate.filters.contamination import semantically_contaminated as semantically_contaminated
    from curate.filters.diversity import cluster as cluster
    from curate.filters.diversity import coverage as coverage
    from curate.filters.diversity import farthest as farthest
    from curate.filters.diversity import threshold as threshold
    from curate.filters.duplicates import exact_duplicates as exact_duplicates
    from curate.filters.duplicates import near_duplicates as near_duplicates
    from curate.filters.duplicates import semantic_duplicates as semantic_duplicates
    from curate.filters.language import language as language
    from curate.filters.markup import html_to_markdown as html_to_markdown
    from curate.filters.markup import strip_links as strip_links
    from curate.filters.others import data_juicer_filter as data_juicer_filter
    from curate.filters.others import data_juicer_mapper as data_juicer_mapper
    from curate.filters.others import datatrove_filter as datatrove_filter
    from curate.filters.others import datatrove_formatter as datatrove_formatter
    from curate.filters.pairs import alike as alike
    from curate.filters.pairs import length_ratio as length_ratio
    from curate.filters.safety import personal_data as personal_data
    from curate.filters.safety import profane as profane
    from curate.filters.safety import toxic as toxic
    from curate.filters.sampling import domains as domains
    from curate.filters.sampling import enough as enough
    from curate.filters.sampling import random as random
    from curate.filters.sampling import top as top
    from curate.filters.size import at_least as at_least
    from curate.filters.size import at_most as at_most
    from curate.filters.size import length as length
    from curate.filters.text import matches as matches
    from curate.filters.text import prompt_from_title_or_body as prompt_from_title_or_body
    from curate.filters.text import replace_opening as replace_opening
    from curate.filters.text import self_contained as self_contained
    from curate.filters.voice import claims_human as claims_human
    from curate.filters.voice import first_person as first_person
    from curate.filters.voice import mentions as mentions
    from curate.filters.voice import refuses as refuses
    from curate.filters.voice import says_ai as says_ai

# Each filter, and its module.
_FILTERS = lazy(
    __name__,
    {
        "alike": "pairs",
        "at_least": "size",
        "at_most": "size",
        "claims_human": "voice",
        "cluster": "diversity",
        "contaminated": "contamination",
        "coverage": "diversity",
        "data_juicer_filter": "others",
        "data_juicer_mapper": "others",
        "datatrove_filter": "others",
        "datatrove_formatter": "others",
        "domains": "sampling",
        "enough": "sampling",
        "exact_duplicates": "duplicates",
        "farthest": "diversity",
        "first_person": "voice",
        "html_to_markdown": "markup",
        "language": "language",
        "length": "size",
        "length_ratio": "pairs",
        "matches": "text",
        "mentions": "voice",
        "near_duplicates": "duplicates",
        "personal_data": "safety",
        "profane": "safety",
        "prompt_from_title_or_body": "text",
        "random": "sampling",
        "refuses": "voice",
        "replace_opening": "text",
        "says_ai": "voice",
        "self_contained": "text",
        "semantic_duplicates": "duplicates",
        "semantically_contaminated": "contamination",
        "strip_links": "markup",
        "threshold": "diversity",
        "top": "sampling",
        "toxic": "safety",
    },
)
__all__ = sorted([*_FILTERS, "quotas"])  # `quotas` shares a number among domains, and is no filter
