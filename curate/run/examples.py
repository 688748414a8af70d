"""Examples: the texts of a few of the rows that each step dropped, and of its near misses, kept while they pass by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from curate.rows import scan
from curate.run.ledger import evidence_text

EACH, NEAR = 3, 5  # rows kept for each source and step, and of its near misses
_CUT = 300  # characters kept of a text
_BEFORE = 100  # of these, before the first evidence, where that comes late
_SPANS = (
    pl.col("detail").list.eval(pl.element().struct.field("span")).list.drop_nulls().list.join("\n\n").replace("", None)
)
# `distance` is how far a near miss is from a bound, and null of other examples; `beside` names the row for whose sake
# another is here: the one that was dropped in favour of it.
COLUMNS = dict.fromkeys(("source", "id", "step", "prompt", "response", "detail", "spans", "beside"), pl.String) | {
    "distance": pl.Float64
}
_KEY = ["source", "step"]
_ID = re.compile(r"\b[0-9a-f]{32}\b")


def samples(rows: pl.DataFrame, ledger: pl.DataFrame, near: pl.DataFrame | None = None) -> pl.DataFrame:
    """Keep of a batch at most three rows for each source and step that dropped them first, with texts cut.

    `rows` is the batch as the row-wise pass left it, with `source`, `id` and its texts; `ledger` is that of
    the same rows in the same order, `near` lists its near misses (`source`, `id`, `step`, `distance`), which are kept
    too. Which rows are kept follows from the rows alone, so batches can come in any size and order: `merge` of their
    samples is the sample of all.

    >>> rows = pl.DataFrame({"source": ["a", "a"], "id": ["1", "2"], "prompt": ["Why?", "How?"]})
    >>> from curate.run.ledger import EVIDENCE
    >>> why = [None, [{"step": "length", "reason": "4"}]]
    >>> ledger = pl.DataFrame({"dropped_by": [None, "length"], "detail": pl.Series(why, dtype=EVIDENCE)})
    >>> samples(rows, ledger).select("id", "step", "prompt", "detail").rows()
    [('2', 'length', 'How?', 'length: 4')]
    """
    steps = rows.select("source", "id").hstack([ledger["dropped_by"].alias("step")]).with_row_index("_row")
    few = _fewest(steps.drop_nulls("step")).with_columns(distance=pl.lit(None, dtype=pl.Float64))
    if near is not None and near.height:
        found = steps.select("_row", "source", "id").join(near, on=["source", "id"])
        few = pl.concat([few, found.select(few.columns)])
    detail = ledger[few["_row"]].select(detail=evidence_text(), spans=_SPANS)
    return _excerpts(few.drop("_row").hstack(texts(rows[few["_row"]])).hstack(detail))


def texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Take what examples show of rows: the prompt, and the answer, which of a pair is the one chosen."""
    answers = [pl.col(name) for name in ("response", "chosen") if name in rows.columns]
    answer = pl.coalesce(answers) if answers else pl.lit(None)
    prompt = pl.col("prompt") if "prompt" in rows.columns else pl.lit(None)
    columns = {"prompt": prompt.cast(pl.String), "response": answer.cast(pl.String)}
    return rows.with_columns(**columns).select(columns.keys())


def _excerpts(rows: pl.DataFrame) -> pl.DataFrame:
    """Cut the texts of examples, and bring them into their columns."""
    lines = [
        {**row, "detail": excerpt(row["detail"])}
        | {name: excerpt(row[name], (row["spans"] or "").split("\n\n")) for name in ("prompt", "response")}
        for row in rows.iter_rows(named=True)
    ]
    return pl.DataFrame(lines, schema=COLUMNS)


def excerpt(text: str | None, spans: Iterable[str] = ()) -> str | None:
    """Cut a text to 300 characters, those around the first evidence in it; a mark says where something is missing.

    >>> excerpt("a" * 400 + " I think so", ["I think"]) == "…" + "a" * 99 + " I think so"
    True
    """
    if text is None or len(text) <= _CUT:
        return text
    start = at = 0
    for piece, evidence in marks(text, spans):
        if evidence:
            start = max(0, at - _BEFORE) if at + len(piece) > _CUT else 0
            break
        at += len(piece)
    return f"{'…' if start else ''}{text[start : start + _CUT]}{'…' if start + _CUT < len(text) else ''}"


def merge(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put samples together: again at most three for each source and step, and its five nearest misses."""
    rows = pl.concat([pl.DataFrame(schema=COLUMNS), *frames], how="diagonal_relaxed")  # an earlier version has fewer
    near, beside = pl.col("distance").is_not_null(), pl.col("beside").is_not_null()
    misses = rows.filter(near).unique([*_KEY, "id"], keep="first", maintain_order=True).sort(*_KEY, "distance", "id")
    misses = misses.group_by(_KEY, maintain_order=True).head(NEAR).select(rows.columns)
    return pl.concat([_fewest(rows.filter(~near & ~beside)), misses, rows.filter(beside)])


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


def _fewest(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the rows with the lowest ids: those are hashes, so they are as good as drawn."""
    key = [*_KEY, "id"]
    few = rows.group_by(_KEY).agg(pl.col("id").unique().bottom_k(EACH)).explode("id")
    return rows.join(few, on=key, how="semi").unique(key, keep="first", maintain_order=True).sort(key)


def examples(ledger: pl.DataFrame | pl.LazyFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    """Complete samples from the ledger: ids and evidence, for steps of whose dropped rows no text was kept.

    Those are the steps that look at the whole pool: they drop rows long after their texts have passed by.
    """
    have = merge([] if texts is None else [texts])
    dropped = ledger.lazy().filter(pl.col("dropped_by").is_not_null()).select("source", "id", step="dropped_by")
    kinds = dropped.select("source", "step").unique().collect(engine="streaming")
    lacking = kinds.join(have, on=["source", "step"], how="anti")
    if not lacking.height:
        return have
    lowest = _lowest(dropped, lacking)
    rows = ledger.lazy().filter(pl.col("id").is_in(lowest["id"].implode())).rename({"dropped_by": "step"})
    rows = rows.join(lowest.lazy(), on=lowest.columns, how="semi").select(*_KEY, "id", evidence_text(), spans=_SPANS)
    few = rows.collect(engine="streaming").unique(lowest.columns).sort("source", "step", "id")
    return pl.concat([have, few], how="diagonal_relaxed")


def with_texts(examples: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
    """Put texts to the examples that have none, each as the last file has it, and beside it the row that it repeats.

    The files are those in which a run keeps the rows that its row-wise steps left, in the order of the steps.
    """
    without = examples.filter(pl.col("prompt").is_null() & pl.col("response").is_null())
    twins = [
        {"source": row["source"], "step": row["step"], "id": twin, "beside": row["id"]}
        for row in without.iter_rows(named=True)
        for twin in _ID.findall(row["detail"] or "")[:1]
    ]
    lines = pl.concat([without, pl.DataFrame(twins, schema=COLUMNS)])
    ids = lines["id"].unique().implode()
    last: dict[str, tuple[str | None, ...]] = {}
    for file in files:
        rows = scan(file).filter(pl.col("id").is_in(ids)).collect()
        last |= dict(zip(rows["id"], texts(rows).iter_rows(), strict=True))
    shown = [dict(zip(("prompt", "response"), last.get(id_, (None, None)), strict=True)) for id_ in lines["id"]]
    lines = _excerpts(lines.with_columns(pl.DataFrame(shown, schema=dict.fromkeys(("prompt", "response"), pl.String))))
    return pl.concat([examples.join(without, on=[*_KEY, "id"], how="anti"), lines])


def _lowest(dropped: pl.LazyFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Find the lowest ids of each source and step: those are hashes, so they are as good as drawn.

    The next above the last, one after the other: a ledger is as long as the input, and an id may stand in many rows.
    """
    lowest = [kinds.select(*_KEY, id=pl.lit("", dtype=pl.String))]
    for _ in range(EACH):
        above = dropped.join(lowest[-1].lazy(), on=_KEY, suffix="_last").filter(pl.col("id") > pl.col("id_last"))
        lowest.append(above.group_by(_KEY).agg(pl.col("id").min()).collect(engine="streaming"))
    return pl.concat(lowest[1:])
