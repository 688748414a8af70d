"""Operators of other libraries as steps of a recipe: filters and mappers of Data-Juicer, filters and formatters of datatrove.

They are Python, asked text by text, and their parameters are their own. Those that look at one text alone are here;
what draws at random, remembers the texts before, writes files or runs code out of its parameters is not.
"""  # noqa: E501

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeAlias

import polars as pl

from curate.errors import did_you_mean
from curate.filter import Edit, Property, costly, explains

Operator: TypeAlias = dict[str, Any]  # {name: {parameter: value}}

# fmt: off
FILTERS = (
    "C4ParagraphFilter", "C4QualityFilter", "FastTextClassifierFilter", "FineWebQualityFilter", "GopherQualityFilter",
    "GopherRepetitionFilter", "LanguageFilter", "RegexFilter", "UnigramLogProbFilter",
)
FORMATTERS = ("FTFYFormatter", "SymbolLinesFormatter")
OP_FILTERS = (
    "alphanumeric_filter", "average_line_length_filter", "character_repetition_filter", "flagged_words_filter",
    "language_id_score_filter", "maximum_line_length_filter", "perplexity_filter", "special_characters_filter",
    "stopwords_filter", "text_action_filter", "text_entity_dependency_filter", "text_length_filter",
    "token_num_filter", "word_repetition_filter", "words_num_filter",
)
OP_MAPPERS = (
    "chinese_convert_mapper", "clean_copyright_mapper", "clean_email_mapper", "clean_html_mapper", "clean_ip_mapper",
    "clean_links_mapper", "expand_macro_mapper", "fix_unicode_mapper", "pii_redaction_mapper",
    "punctuation_normalization_mapper", "remove_bibliography_mapper", "remove_comments_mapper",
    "remove_header_mapper", "remove_long_words_mapper", "remove_non_chinese_character_mapper",
    "remove_repeat_sentences_mapper", "remove_specific_chars_mapper", "remove_table_text_mapper",
    "remove_words_with_incorrect_substrings_mapper", "replace_content_mapper", "whitespace_normalization_mapper",
)
# fmt: on
_VERDICT = pl.Struct({"passes": pl.Boolean, "reason": pl.String})


@costly
def datatrove_filter(column: str = "assistant_turns", *, filter: Operator) -> Property:
    """Hold if a filter of datatrove keeps a text.

    `filter` is the name of its class and its parameters: `{GopherQualityFilter: {min_doc_words: 50}}`. The reason that
    it gives stands in the ledger. A text on which it fails with an error has no verdict, and the error stands there
    instead. C4QualityFilter also takes lines out of what it keeps; here it only judges. What needs a model or a list
    of words fetches it, as in datatrove.

    One core does about 200 texts of 1,000 characters a second with GopherQualityFilter, which splits them by spacy.

    Needs `pip install datatrove` (and what the filter asks for, as spacy); raises ModuleNotFoundError saying so, and
    ValueError for a name or a parameter that datatrove does not know.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["It is the tea that has to stand.", "Tea.", None]})
    >>> quality = datatrove_filter("response", filter={"GopherQualityFilter": {"min_doc_words": 3}})
    >>> frame.select(quality).to_series().to_list()
    [True, False, None]
    """
    return _asked("datatrove_filter", column, filter).struct.field("passes")


@explains(datatrove_filter)
def datatrove_reason(column: str = "assistant_turns", *, filter: Operator) -> pl.Expr:
    """Give the reason that datatrove gives."""
    return _asked("datatrove_filter", column, filter).struct.field("reason")


def datatrove_formatter(column: str = "assistant_turns", *, formatter: Operator) -> Edit:
    r"""Rewrite a text with a formatter of datatrove.

    `formatter` is the name of its class and its parameters: `{FTFYFormatter: {}}`. One core does about 20,000 texts
    of 1,000 characters a second with it.

    Needs `pip install datatrove` (and what the formatter asks for, as ftfy); raises ModuleNotFoundError saying so, and
    ValueError for a name or a parameter that datatrove does not know.

    >>> import polars as pl
    >>> lines = datatrove_formatter("response", formatter={"SymbolLinesFormatter": {}})
    >>> pl.DataFrame({"response": ["Tea.\n|||\nMilk.", None]}).select(lines).to_series().to_list()
    ['Tea.\nMilk.', None]
    """
    return _asked("datatrove_formatter", column, formatter)


@costly
def data_juicer_filter(column: str = "assistant_turns", *, op: Operator) -> Property:
    """Hold if a filter of Data-Juicer keeps a text.

    `op` is written as under `process` in a configuration of Data-Juicer: `{alphanumeric_filter: {min_ratio: 0.6}}`. The
    stats that it computes stand in the ledger where it drops a row. A text on which it fails with an error has no
    verdict, and the error stands there instead. What needs a model or a list of words fetches it, as in Data-Juicer;
    packages that are missing are not installed, which Data-Juicer itself would do.

    One core does about 10,000 texts of 1,000 characters a second with alphanumeric_filter.

    Needs `pip install py-data-juicer aiohttp ray`; raises ModuleNotFoundError saying so, and ValueError for a name or a
    parameter that Data-Juicer does not know.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["Let the tea stand.", "?!", None]})
    >>> letters = data_juicer_filter("response", op={"alphanumeric_filter": {"min_ratio": 0.5}})
    >>> frame.select(letters).to_series().to_list()
    [True, False, None]
    """
    return _asked("data_juicer_filter", column, op).struct.field("passes")


@explains(data_juicer_filter)
def data_juicer_stats(column: str = "assistant_turns", *, op: Operator) -> pl.Expr:
    """Give the stats that Data-Juicer computes of a text."""
    return _asked("data_juicer_filter", column, op).struct.field("reason")


def data_juicer_mapper(column: str = "assistant_turns", *, op: Operator) -> Edit:
    """Rewrite a text with a mapper of Data-Juicer.

    `op` is written as under `process` in a configuration of Data-Juicer: `{clean_links_mapper: {}}`. One core does
    about 6,700 texts of 1,000 characters a second with it.

    Needs `pip install py-data-juicer aiohttp ray`; raises ModuleNotFoundError saying so, and ValueError for a name or a
    parameter that Data-Juicer does not know.

    >>> import polars as pl
    >>> links = data_juicer_mapper("response", op={"clean_links_mapper": {}})
    >>> pl.DataFrame({"response": ["See https://example.org now", None]}).select(links).to_series().to_list()
    ['See  now', None]
    """
    return _asked("data_juicer_mapper", column, op)


def _asked(kind: str, column: str, operator: Operator) -> pl.Expr:
    if len(operator) != 1:
        raise ValueError(f"{kind} takes one operator, as {{name: {{parameters}}}}, not {len(operator)}")
    [(name, params)] = operator.items()
    settings = json.dumps(params or {}, sort_keys=True)
    _operator(kind, name, settings)  # what is wrong with it is said before any row is read
    return _expression(kind, column, name, settings)


@cache  # polars computes a Python function once for verdict and evidence if both hold the very same expression
def _expression(kind: str, column: str, name: str, settings: str) -> pl.Expr:
    ask = partial(_ask, kind=kind, name=name, settings=settings)
    dtype = _VERDICT if kind.endswith("_filter") else pl.String()
    expr: pl.Expr = pl.col(column).map_batches(ask, return_dtype=dtype, is_elementwise=True)
    return expr


def _ask(texts: pl.Series, kind: str, name: str, settings: str) -> pl.Series:
    judge = _operator(kind, name, settings)
    if not kind.endswith("_filter"):
        return pl.Series(texts.name, [None if text is None else judge(text) for text in texts], dtype=pl.String)
    verdicts = [(None, None) if text is None else _verdict(judge, text) for text in texts]
    return pl.DataFrame(verdicts, schema=_VERDICT.to_schema(), orient="row").to_struct(texts.name)


def _verdict(judge: Callable[[str], tuple[bool, str | None]], text: str) -> tuple[bool | None, str | None]:
    try:
        return judge(text)
    except (ImportError, OSError):  # not this text's fault: a package or a file is missing
        raise
    except Exception as error:  # another library may raise anything, and other rows are to be judged
        return None, f"{type(error).__name__}: {error}"


@cache
def _operator(kind: str, name: str, settings: str) -> Callable[[str], Any]:
    """Make an operator, once in each process: a function of a text."""
    package, names, make = _KINDS[kind]
    if name not in names:
        raise ValueError(f"{kind} has no '{name}'; {did_you_mean(name, names)}")
    try:
        made: Callable[[str], Any] = make(name, json.loads(settings))
        return made
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(f"{kind} needs {missing.name or package}: pip install {package}") from missing
    except ImportError as missing:
        raise ModuleNotFoundError(f"{name}: {missing}") from missing


def _made(cls: Any, params: dict[str, Any]) -> Any:
    """Call a class with parameters that it knows; many of theirs take any and drop what they do not know."""
    known = [name for name in inspect.signature(cls.__init__).parameters if name not in ("self", "args", "kwargs")]
    if unknown := [name for name in params if name not in known]:
        raise ValueError(f"there is no parameter '{unknown[0]}'; {did_you_mean(unknown[0], known)}")
    try:
        return cls(**params)
    except (TypeError, AssertionError) as error:
        raise ValueError(str(error)) from None


def _filter(name: str, params: dict[str, Any]) -> Callable[[str], tuple[bool, str | None]]:
    document = import_module("datatrove.data").Document
    keep = _made(getattr(import_module("datatrove.pipeline.filters"), name), params)

    def judge(text: str) -> tuple[bool, str | None]:
        result = keep.filter(document(text=text, id=""))
        return (bool(result[0]), result[1]) if isinstance(result, tuple) else (bool(result), None)

    return judge


def _formatter(name: str, params: dict[str, Any]) -> Callable[[str], str]:
    formatter = _made(getattr(import_module("datatrove.pipeline.formatters"), name), params)
    return lambda text: str(formatter.format(text))


def _op(name: str, params: dict[str, Any]) -> Any:
    loader = import_module("data_juicer.utils.lazy_loader").LazyLoader
    loader._install_package = _not_installed  # nothing is installed while a recipe runs
    return _made(import_module("data_juicer.ops").OPERATORS.modules[name], params)


def _not_installed(package: str, *args: Any) -> None:
    raise ModuleNotFoundError(f"Data-Juicer needs {package}", name=package)


def _op_filter(name: str, params: dict[str, Any]) -> Callable[[str], tuple[bool, str]]:
    op = _op(name, params)

    def judge(text: str) -> tuple[bool, str]:
        samples = op.compute_stats_batched({op.text_key: [text], "__dj__stats__": [{}]})
        [keep], [stats] = list(op.process_batched(samples)), samples["__dj__stats__"]
        return bool(keep), ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in stats.items())

    return judge


def _op_mapper(name: str, params: dict[str, Any]) -> Callable[[str], str]:
    op = _op(name, params)
    return lambda text: str(op.process_batched({op.text_key: [text]})[op.text_key][0])


_KINDS: dict[str, tuple[str, tuple[str, ...], Callable[..., Any]]] = {
    "datatrove_filter": ("datatrove", FILTERS, _filter),
    "datatrove_formatter": ("datatrove", FORMATTERS, _formatter),
    "data_juicer_filter": ("py-data-juicer", OP_FILTERS, _op_filter),
    "data_juicer_mapper": ("py-data-juicer", OP_MAPPERS, _op_mapper),
}
