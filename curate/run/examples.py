"""Examples: the texts of a few of the rows that each step dropped, kept while they pass by."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from curate.run.ledger import evidence_text

EACH = 3  # rows kept for each source and step
_CUT = 300  # characters kept of a text
_SPANS = (
    pl.col("detail").list.eval(pl.element().struct.field("span")).list.drop_nulls().list.join("\n\n").replace("", None)
)
COLUMNS = dict.fromkeys(("source", "id", "step", "prompt", "response", "detail", "spans"), pl.String)


def samples(rows: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """Keep of a batch at most three rows for each source and step that dropped them first, with texts cut.

    `rows` is the batch as the row-wise pass left it, with `source`, `id` and its texts; `ledger` is that of
    the same rows in the same order. Which rows are kept follows from their ids alone, so batches can come in any
    size and order: `merge` of their samples is the sample of all.

    >>> rows = pl.DataFrame({"source": ["a", "a"], "id": ["1", "2"], "prompt": ["Why?", "How?"]})
    >>> from curate.run.ledger import EVIDENCE
    >>> why = [None, [{"step": "length", "reason": "4"}]]
    >>> ledger = pl.DataFrame({"dropped_by": [None, "length"], "detail": pl.Series(why, dtype=EVIDENCE)})
    >>> samples(rows, ledger).rows()
    [('a', '2', 'length', 'How?', None, 'length: 4', None)]
    """
    steps = rows.select("source", "id").hstack([ledger["dropped_by"].alias("step")]).with_row_index("_row")
    few = _fewest(steps.drop_nulls("step"))
    texts = rows[few["_row"]]
    answers = [pl.col(name) for name in ("response", "chosen") if name in rows.columns]
    answer = pl.coalesce(answers) if answers else pl.lit(None, dtype=pl.String)
    prompt = pl.col("prompt") if "prompt" in rows.columns else pl.lit(None, dtype=pl.String)
    detail = ledger[few["_row"]].select(cut(evidence_text()), spans=_SPANS)
    shown = texts.select(prompt=cut(prompt).cast(pl.String), response=cut(answer).cast(pl.String))
    return few.drop("_row").hstack(shown).hstack(detail).select(COLUMNS.keys())


def merge(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Put samples together: again at most three for each source and step."""
    return _fewest(pl.concat(frames)) if frames else pl.DataFrame(schema=COLUMNS)


def marks(text: str, spans: Iterable[str]) -> list[tuple[str, bool]]:
    r"""Part a text into pieces, and tell which of them are evidence: stretches of the text that spans quote.

    A span quotes with white space of its own, and may leave something out as `[...]` or `…`.

    >>> marks("I think\nso, and so on.", ["I think so [...] on", "never"])
    [('I think\nso', True), (', and so on.', False)]
    """
    quotes = [q.split() for span in spans for q in re.split(r"\[\.\.\.\]|…|\n\n", span)]
    patterns = sorted((r"\s+".join(map(re.escape, q)) for q in quotes if len("".join(q)) > 2), key=len, reverse=True)
    if not patterns:
        return [(text, False)]
    pieces, at = [], 0
    for match in re.finditer("|".join(patterns), text):
        pieces += [(text[at : match.start()], False), (match.group(), True)]
        at = match.end()
    return [(piece, marked) for piece, marked in [*pieces, (text[at:], False)] if piece]


def cut(text: pl.Expr) -> pl.Expr:
    """Cut a text to 300 characters, with a mark where something is missing."""
    return pl.when(text.str.len_chars() > _CUT).then(text.str.slice(0, _CUT) + "…").otherwise(text)


def _fewest(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the rows with the lowest ids: those are hashes, so they are as good as drawn."""
    key = ["source", "step", "id"]
    few = rows.group_by(key[:2]).agg(pl.col("id").unique().bottom_k(EACH)).explode("id")
    return rows.join(few, on=key, how="semi").unique(key, keep="first", maintain_order=True).sort(key)


def examples(ledger: pl.DataFrame | pl.LazyFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    """Complete samples from the ledger: ids and evidence, for steps of whose dropped rows no text was kept.

    Those are the steps that look at the whole pool: they drop rows long after their texts have passed by.
    """
    have = merge([texts]) if texts is not None else merge([])
    dropped = ledger.lazy().filter(pl.col("dropped_by").is_not_null()).select("source", "id", step="dropped_by")
    kinds = dropped.select("source", "step").unique().collect(engine="streaming")
    lowest = _lowest(dropped, kinds.join(have, on=["source", "step"], how="anti"))
    columns = {
        **dict.fromkeys(("prompt", "response"), pl.lit(None, dtype=pl.String)),
        "detail": evidence_text(),
        "spans": _SPANS,
    }
    rows = ledger.lazy().filter(pl.col("id").is_in(lowest["id"].implode())).rename({"dropped_by": "step"})
    rows = rows.join(lowest.lazy(), on=lowest.columns, how="semi").with_columns(**columns).select(COLUMNS.keys())
    few = rows.collect(engine="streaming").unique(lowest.columns).sort("source", "step", "id")
    return pl.concat([have, few], how="diagonal_relaxed")


def _lowest(dropped: pl.LazyFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Find the lowest ids of each source and step: those are hashes, so they are as good as drawn.

    The next above the last, one after the other: a ledger is as long as the input, and an id may stand in many rows.
    """
    key = ["source", "step"]
    lowest = [kinds.select(*key, id=pl.lit("", dtype=pl.String))]
    for _ in range(EACH):
        above = dropped.join(lowest[-1].lazy(), on=key, suffix="_last").filter(pl.col("id") > pl.col("id_last"))
        lowest.append(above.group_by(key).agg(pl.col("id").min()).collect(engine="streaming"))
    return pl.concat(lowest[1:])
