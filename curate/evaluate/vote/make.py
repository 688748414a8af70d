"""Whose answers are compared: files of answers, the models in them, and what of them cannot be voted on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.evaluate.prompts import PromptsError, prompt_of, turn_of
from curate.evaluate.vote.page import page
from curate.folders import check_alone, put_alone
from curate.models.judges.judge import answer_of
from curate.rows import hash01
from curate.turns import question as question_of
from curate.turns import without_thoughts

# Names that say what a file is, not whose: there the folder is the name.
_PLAIN = {"answers", "grades"}
_SCHEMA = {
    "model": pl.String(),
    "id": pl.String(),
    "prompt": pl.String(),
    "sample": pl.Int64(),
    "response": pl.String(),
    "before": pl.String(),  # JSON: the turns before the prompt, and the tools
    "turns": pl.String(),  # JSON: the turns of the answer before its text
}


class VoteError(UserError):
    """Say in one sentence why there is no vote or no result, and what would be right."""


def read_answers(files: Sequence[str | Path]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Read answers: a row each (`_SCHEMA`), without thoughts; and what was left out, counted.

    A file is `answers.jsonl` as `curate answer` writes it, or `grades.jsonl` of an ablation. It holds one model, or one
    for every `arm` and `checkpoint` in it. Its model is called as the file is, or as its folder where the file's name
    says nothing; `NAME=FILE` calls it otherwise.

    Raises VoteError naming the line that is no answer, or the name that two files share.
    """
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    names: dict[str, Path] = {}
    for path in files:
        name, file = _named(str(path))
        if name in names:
            raise VoteError(f"{names[name]} and {file} would both be called {name}: name them, as NAME={file}")
        names[name] = file
        for number, line in enumerate(_lines(file), 1):
            row, why = _answer(line, name, f"{file}, line {number}")
            if row and rows.setdefault((row["model"], row["id"], row["sample"]), row) is not row:
                why = "another answer of this model, prompt and sample"  # of another training seed
            left_out[why] += bool(why)
    return pl.DataFrame(list(rows.values()), schema=_SCHEMA), dict(+left_out)


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if equals and not Path(text).is_file():
        return name, Path(path)
    file = Path(text)
    return (file.resolve().parent.name if file.stem in _PLAIN else file.stem), file


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise VoteError(f"the answers {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _answer(line: str, name: str, where: str) -> tuple[dict[str, Any] | None, str]:
    """Read a line: the answer, or why it cannot be voted on."""
    try:
        row = json.loads(line)
        asked = prompt_of(Path(where), 1, row)
        if not isinstance(row["response"], str | None):
            raise TypeError
        answer = [turn_of(one) for one in row.get("response_turns") or []]
    except (PromptsError, ValueError, KeyError, TypeError, AttributeError):
        raise VoteError(f"{where} is no answer: a JSON object with `id`, `prompt`, `response` was expected") from None
    turns, response = answer_of({**row, "response_turns": answer})
    if response is None:
        return None, "no answer"
    if row.get("turn") is not None:
        return None, "a turn of a dialogue"
    model = " ".join([name, *(str(row[key]) for key in ("arm", "checkpoint") if row.get(key))])
    *before, last = without_thoughts(question_of(asked))
    who = {"model": model, "id": str(row.get("id", last["content"])), "sample": int(row.get("sample") or 0)}
    said = {"before": _json([asked["tools"], before]) if before or asked["tools"] else None, "turns": _json(turns)}
    return who | {"prompt": last["content"], "response": response} | said, ""


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def draw(answers: pl.DataFrame, n: int, seed: int = 0) -> tuple[pl.DataFrame, dict[str, int]]:
    """Draw at most n comparisons; return them in the order of the page, and what was left out, counted.

    Two models are compared on prompts that both answered, with the same number of sample, one sample a prompt. Prompts
    come before pairs: of n comparisons as many prompts as can be are taken, the pairs in turn. Each model of a pair
    stands first in half of its comparisons, in an order that the seed decides. Equal answers are left out, for there is
    nothing to choose, and so are answers to one prompt after different turns.

    The columns are `item` (from 1), `id`, `prompt`, `sample`, `a`, `b` (the pair, in the order of the models), `left`,
    `right` (which model stands where), `before`, `left_text`, `right_text`, `left_turns`, `right_turns`.

    >>> answers = pl.DataFrame(
    ...     [(m, str(i), f"{i}?", 0, f"{m}{i}") for m in "xy" for i in range(4)],
    ...     schema=["model", "id", "prompt", "sample", "response"], orient="row",
    ... )
    >>> items, left_out = draw(answers, n=50)
    >>> items.height, sorted(items["left"]), left_out
    (4, ['x', 'x', 'y', 'y'], {})
    """
    lacking = [pl.lit(None, pl.String).alias(name) for name in ("before", "turns") if name not in answers.columns]
    answers = answers.with_columns(lacking)
    models = answers["model"].unique(maintain_order=True).to_list()
    pairs = list(combinations(models, 2))
    both = pl.concat([_both(answers, a, b).with_columns(pair=pl.lit(i)) for i, (a, b) in enumerate(pairs)])
    shared = both.filter(pl.col("before").eq_missing(pl.col("before_b")))
    texts = pl.col("response_a").str.strip_chars() != pl.col("response_b").str.strip_chars()
    differ = shared.filter(texts | pl.col("turns_a").ne_missing(pl.col("turns_b")))
    drawn = _balanced(_one_sample(differ, seed), len(pairs), n, seed)
    counts = [frame.select("id", "pair").n_unique() for frame in (both, shared, differ)]
    left_out = {"answers to other conversations": counts[0] - counts[1], "equal answers": counts[1] - counts[2]}
    return _on_page(drawn, seed), {why: n for why, n in left_out.items() if n}


def _both(answers: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Join the answers of two models by prompt and sample."""
    of_a, of_b = (answers.filter(pl.col("model") == name).unique(["id", "sample"], keep="first") for name in (a, b))
    joined = of_a.join(of_b.drop("prompt"), on=["id", "sample"], suffix="_b")
    return joined.rename({"model": "a", "model_b": "b", "response": "response_a", "turns": "turns_a"})


def _one_sample(pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    keyed = pairs.with_columns(drawn=pl.format("{}\x1f{}", "id", "sample"))
    ordered = keyed.sort(hash01("drawn", seed, "vote/sample"), "id", "sample")
    return ordered.unique(["id", "pair"], keep="first").drop("drawn")


def _balanced(pairs: pl.DataFrame, kinds: int, n: int, seed: int) -> pl.DataFrame:
    """Take n: every prompt once with one pair, then every prompt with the next pair, and so on."""
    place = hash01("id", seed, "vote/prompt").rank("dense").cast(pl.Int64)
    turn = (pl.col("pair") - pl.col("place")) % kinds
    return pairs.with_columns(place=place).sort(turn, "place").head(n).drop("place")


def _on_page(drawn: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Give each comparison its place in the page, and its answers their sides."""
    keyed = drawn.with_columns(key=pl.format("{}\x1f{}", "id", "pair"))
    side = hash01("key", seed, "vote/side").rank("ordinal").over("pair").cast(pl.Int64)
    # Which of the two stands first once more often, where their number is odd, differs from pair to pair.
    first = (side + pl.col("pair")) % 2 == 0
    ordered = keyed.with_columns(first=first).sort(hash01("key", seed, "vote/order"), "key")
    return ordered.with_row_index("item", offset=1).select(
        pl.col("item").cast(pl.String),
        "id",
        "prompt",
        "sample",
        "a",
        "b",
        left=pl.when("first").then("a").otherwise("b"),
        right=pl.when("first").then("b").otherwise("a"),
        before="before",
        left_text=pl.when("first").then("response_a").otherwise("response_b"),
        right_text=pl.when("first").then("response_b").otherwise("response_a"),
        left_turns=pl.when("first").then("turns_a").otherwise("turns_b"),
        right_turns=pl.when("first").then("turns_b").otherwise("turns_a"),
    )


KEY_FORMAT, QUESTION = "curate vote key 1", "Which answer is better?"
_ITEM = ("id", "sample", "a", "b", "left", "right")


def make(
    files: Sequence[str | Path], out: str | Path, *, question: str = QUESTION, n: int = 50, seed: int = 0
) -> dict[str, Any]:
    """Write the page of a blind vote, and beside it `NAME.key.json`, which says which answer is whose; return the key.

    The page holds prompts, answers and numbers; no name of a model is in it, in any form. The key must not go to the
    voters. Blind it is against names only: an answer that gives its model away still does.

    Args:
        files: answers of two models or more (`read_answers`); of several, each pair is compared.
        out: the page, an .html file.
        question: what is asked of every comparison.
        n: comparisons at most.
        seed: draws prompts, samples, pairs, their order and sides.

    Raises VoteError where there are not two models, or no prompt that two of them answered differently; FolderError for
    a page or key that is there already and is another one.
    """
    page_file = Path(out)
    if page_file.suffix.lower() not in (".html", ".htm"):
        raise VoteError(f"the page is an .html file, not {page_file}")
    answers, left_out = read_answers(files)
    models = answers["model"].unique(maintain_order=True).to_list()
    if len(models) < 2:
        raise VoteError(
            f"a vote is between two models or more; the files hold answers of {', '.join(models) or 'none'}"
        )
    items, same = draw(answers, n, seed)
    if items.is_empty():
        raise VoteError(
            f"no prompt has two different answers by {', '.join(models)}: were they asked the same prompts?"
        )
    key = _key(items, question, seed) | {"models": models, "left_out": left_out | same}
    texts = {page_file: page(key["vote"], question, items.to_dicts())}
    texts[key_file(page_file)] = json.dumps(key, indent=1, ensure_ascii=False) + "\n"
    for file, text in texts.items():  # without its key, the votes on another page cannot be read
        check_alone(file, text, by="vote", option="--out")
    for file, text in texts.items():
        put_alone(file, text, by="vote", option="--out")
    return key


def key_file(page_file: Path) -> Path:
    """Name the key of a page.

    >>> key_file(Path("out/vote.html")).name
    'vote.key.json'
    """
    return page_file.with_name(f"{page_file.stem}.key.json")


def _key(items: pl.DataFrame, question: str, seed: int) -> dict[str, Any]:
    # The texts are hashed with the names: from the number alone nobody can try out which names give it.
    whole = json.dumps([question, seed, items.rows()], ensure_ascii=False)
    which = {row["item"]: {name: row[name] for name in _ITEM} for row in items.iter_rows(named=True)}
    vote = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return {"format": KEY_FORMAT, "vote": vote, "question": question, "seed": seed, "items": which}
