"""Filters by topic: properties, edits and scores of a row, and selectors and scores over the whole pool.

To add one: write a function in a module of this folder, its table in `tests/filters`, and its name here.
"""

from typing import TYPE_CHECKING

from curate import lazy
from curate.filters.sampling import quotas as quotas

if TYPE_CHECKING:
    from curate.filters.clean import collapse_whitespace as collapse_whitespace
    from curate.filters.clean import fix_unicode as fix_unicode
    from curate.filters.clean import redact as redact
    from curate.filters.clean import strip_signature as strip_signature
    from curate.filters.clean import unescape as unescape
    from curate.filters.contamination import contaminated as contaminated
    from curate.filters.contamination import semantically_contaminated as semantically_contaminated
    from curate.filters.diversity import cluster as cluster
    from curate.filters.diversity import coverage as coverage
    from curate.filters.diversity import farthest as farthest
    from curate.filters.diversity import threshold as threshold
    from curate.filters.duplicates import exact_duplicates as exact_duplicates
    from curate.filters.duplicates import near_duplicates as near_duplicates
    from curate.filters.duplicates import semantic_duplicates as semantic_duplicates
    from curate.filters.form import count as count
    from curate.filters.form import gopher_quality as gopher_quality
    from curate.filters.form import gopher_repetition as gopher_repetition
    from curate.filters.form import has_code as has_code
    from curate.filters.form import lexical_diversity as lexical_diversity
    from curate.filters.form import question_like as question_like
    from curate.filters.form import readability as readability
    from curate.filters.form import repetition as repetition
    from curate.filters.form import share as share
    from curate.filters.form import unicode_broken as unicode_broken
    from curate.filters.judged import judged as judged
    from curate.filters.language import language as language
    from curate.filters.markup import html_to_markdown as html_to_markdown
    from curate.filters.markup import strip_links as strip_links
    from curate.filters.noise import both_sides as both_sides
    from curate.filters.noise import contradictions as contradictions
    from curate.filters.noise import mislabelled as mislabelled
    from curate.filters.noise import mismatch as mismatch
    from curate.filters.noise import reward_gap as reward_gap
    from curate.filters.others import data_juicer_filter as data_juicer_filter
    from curate.filters.others import data_juicer_mapper as data_juicer_mapper
    from curate.filters.others import datatrove_filter as datatrove_filter
    from curate.filters.others import datatrove_formatter as datatrove_formatter
    from curate.filters.pairs import alike as alike
    from curate.filters.pairs import length_ratio as length_ratio
    from curate.filters.quality import classifier as classifier
    from curate.filters.quality import ifd as ifd
    from curate.filters.quality import perplexity as perplexity
    from curate.filters.quality import reward as reward
    from curate.filters.safety import personal_data as personal_data
    from curate.filters.safety import profane as profane
    from curate.filters.safety import toxic as toxic
    from curate.filters.sampling import domains as domains
    from curate.filters.sampling import enough as enough
    from curate.filters.sampling import middle as middle
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
    from curate.filters.votes import votes as votes

# Each filter, and its module.
_FILTERS = lazy(
    __name__,
    {
        "alike": "pairs",
        "at_least": "size",
        "at_most": "size",
        "both_sides": "noise",
        "claims_human": "voice",
        "classifier": "quality",
        "cluster": "diversity",
        "collapse_whitespace": "clean",
        "contaminated": "contamination",
        "count": "form",
        "contradictions": "noise",
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
        "fix_unicode": "clean",
        "gopher_quality": "form",
        "gopher_repetition": "form",
        "has_code": "form",
        "html_to_markdown": "markup",
        "ifd": "quality",
        "judged": "judged",
        "language": "language",
        "length": "size",
        "length_ratio": "pairs",
        "lexical_diversity": "form",
        "matches": "text",
        "mentions": "voice",
        "middle": "sampling",
        "mislabelled": "noise",
        "mismatch": "noise",
        "near_duplicates": "duplicates",
        "perplexity": "quality",
        "personal_data": "safety",
        "profane": "safety",
        "prompt_from_title_or_body": "text",
        "question_like": "form",
        "random": "sampling",
        "readability": "form",
        "redact": "clean",
        "refuses": "voice",
        "repetition": "form",
        "replace_opening": "text",
        "reward": "quality",
        "reward_gap": "noise",
        "says_ai": "voice",
        "self_contained": "text",
        "semantic_duplicates": "duplicates",
        "semantically_contaminated": "contamination",
        "share": "form",
        "strip_links": "markup",
        "strip_signature": "clean",
        "threshold": "diversity",
        "top": "sampling",
        "toxic": "safety",
        "unescape": "clean",
        "unicode_broken": "form",
        "votes": "votes",
    },
)
__all__ = sorted([*_FILTERS, "quotas"])  # `quotas` shares a number among domains, and is no filter
