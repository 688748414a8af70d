import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.engine import Local, using
from curate.filters.duplicates import exact_duplicates, near_duplicates, semantic_duplicates
from curate.filters.vectors import neighbours
from curate.filters.words import jaccard
from curate.filters.words.runs import slices
from curate.models.embeddings.quantised import quantise

PROMPT = "How do I keep basil alive on a dark kitchen window sill through a long winter?"
WORDS = ["amber", "brick", "cloud", "dough", "ember", "fjord", "grain", "hedge", "ivory", "joker", "kayak", "lemon"]


def why(prompts: list[str | None], **parameters: Any) -> list[str | None]:
    pool = pl.DataFrame({"id": [f"{i}" for i in range(len(prompts))], "prompt": prompts})
    return near_duplicates(pool, **parameters).why.to_list()


def texts(count: int, length: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(f"{rng.choice(WORDS)}{rng.randrange(90)}" for _ in range(length)) for _ in range(count)]


def edited(text: str, seed: int, share: float = 0.1) -> str:
    """Change a share of the words of a text."""
    rng = random.Random(seed)
    words = text.split()
    for at in rng.sample(range(len(words)), max(1, int(share * len(words)))):
        words[at] = f"other{seed}"
    return " ".join(words)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(PROMPT, id="the same text"),
        pytest.param(PROMPT.upper() + "!!", id="other capitals and marks"),
        pytest.param(PROMPT.replace("basil", "parsley"), id="one word changed"),
        pytest.param(PROMPT.replace(" through a long winter", ""), id="the end left out"),
        pytest.param(f"Hello. {PROMPT} Thanks.", id="a frame around it"),
    ],
)
def test_near(second):
    assert why([PROMPT, second])[1].startswith("duplicate of 0, ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(PROMPT, "How do I keep rabbits out of a vegetable bed in spring?", id="the same opening"),
        pytest.param(PROMPT, " ".join(reversed(PROMPT.split())), id="the same words in another order"),
        pytest.param("Boil an egg", "Boil a fish", id="short texts of other words"),
        pytest.param("", "", id="no words at all"),
        pytest.param("?!", "?!", id="only marks"),
        pytest.param(None, None, id="two nulls"),
    ],
)
def test_not_near(first, second):
    assert why([first, second]) == [None, None]


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        pytest.param(["egg", "Egg!"], "duplicate of 0, 1.00", id="a text shorter than a run is one run"),
        pytest.param(["a b c d e", "a b c d f"], "duplicate of 0, 0.60", id="three of five runs of two words"),
        pytest.param(
            ["你好世界朋友", "你好世界朋"], "duplicate of 0, 0.80", id="letters are words where no blanks part them"
        ),
    ],
)
def test_the_likeness_is_exact(prompts, expected):
    assert why(prompts) == [None, expected]


def test_the_best_row_stays_and_names_itself():
    pool = pl.DataFrame({"id": ["a", "b", "c"], "prompt": [PROMPT] * 3, "score": [None, 2.0, 5.0], "votes": [9, 2, 2]})
    assert near_duplicates(pool).why.to_list() == ["duplicate of c, 1.00", "duplicate of c, 1.00", None]
    assert near_duplicates(pool, prefer="votes").kept.to_list() == [True, False, False]
    assert near_duplicates(pool, prefer=None).kept.to_list() == [True, False, False]


def test_likeness_does_not_chain():
    links = ["a b c d e f g", "b c d e f g h", "c d e f g h i", "d e f g h i j"]
    # Each is near the next; the third is not near the first, so it stays and takes the fourth with it.
    assert why(links, threshold=0.7) == [None, "duplicate of 0, 0.71", None, "duplicate of 2, 0.71"]


def test_several_columns_are_read_as_one_text():
    pool = pl.DataFrame({"id": ["a", "b"], "prompt": [PROMPT, PROMPT], "response": texts(2, 60)})
    assert near_duplicates(pool, column=["prompt", "response"]).kept.all()
    assert not near_duplicates(pool).kept.all()


@pytest.mark.parametrize("length", [pytest.param(15, id="prompts"), pytest.param(200, id="responses")])
def test_a_tenth_of_the_words_changed_is_found_and_nothing_else(length):
    clean = texts(300, length)
    planted = [edited(text, seed) for seed, text in enumerate(clean[:100])]
    pool = pl.DataFrame({"id": [f"{i:03}" for i in range(400)], "prompt": clean + planted})
    choice = near_duplicates(pool)
    assert choice.kept[:300].all()
    assert choice.kept[300:].sum() == 0
    assert choice.notes == {}, "what is exact has no recall"


def brute_force(prompts: list[str], words: int, threshold: float) -> list[tuple[int, int, float]]:
    """Compare each text with all kept ones before it: (row, of, similarity) of those that go."""
    listed = [text.split() for text in prompts]
    sets = [{tuple(own[i : i + words]) for i in range(max(1, len(own) - words + 1))} - {()} for own in listed]
    signs = [{word for word in own if "$" in word} for own in listed]
    kept: list[int] = []
    lost = []
    for row, own in enumerate(sets):
        like = {of: min(share(own, sets[of]), share(signs[row], signs[of])) for of in kept if own & sets[of]}
        of = max(like, key=lambda of: (like[of], -of), default=None)
        if of is not None and like[of] >= threshold:
            lost.append((row, of, like[of]))
        else:
            kept.append(row)
    return lost


def share(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


class Elsewhere:
    """Do work on copies, in another order and twice, as other machines might."""

    workers = 3

    def __init__(self) -> None:
        self.rng = random.Random(0)

    def map(self, do: Any, items: Iterable[Any], *, gpus: float = 0) -> Iterator[Any]:
        work = [cloudpickle.dumps((do, item)) for item in items]
        done = {at: [self._do(work[at]) for _ in range(2)][1] for at in self._mixed(range(len(work)))}
        yield from (done[at] for at in range(len(work)))

    def _do(self, work: bytes) -> Any:
        do, item = cloudpickle.loads(work)
        return cloudpickle.loads(cloudpickle.dumps(do(item)))

    def _mixed(self, items: Iterable[Any]) -> list[Any]:
        listed = list(items)
        return self.rng.sample(listed, len(listed))

    def shuffle(self, split: Any, items: Iterable[Any], by: pl.Expr, count: int, join: Any, folder: Path) -> Any:
        frames = list(self.map(split, items))
        groups = pl.concat(frames).group_by(by, maintain_order=True) if frames else []
        return self.map(join, self._mixed(group for _, group in groups))

    @contextmanager
    def hire(self, make: Any, settings: Sequence[Any], *, gpus: float = 0) -> Iterator[Any]:
        yield Hired(self, make, settings)


class Hired(NamedTuple):
    """Objects that are made again for each call."""

    engine: Elsewhere
    make: Any
    settings: Sequence[Any]

    def each(self, method: str, *args: Any) -> list[Any]:
        return list(self.engine.map(lambda setting: getattr(self.make(setting), method)(*args), self.settings))


pools = st.sampled_from(["ab", "abcd", "abcdefghijkl", ["a", "b", "$1", "$2"]]).flatmap(
    lambda letters: st.lists(st.lists(st.sampled_from(letters), max_size=9).map(" ".join), max_size=30)
)
shares = st.one_of(st.sampled_from([0.01, 1 / 3, 0.5, 0.55, 0.6, 2 / 3, 0.75, 1]), st.floats(0.001, 1))
sizes = st.fixed_dictionaries({"_LINES": st.sampled_from([1, 7, 10**6]), "_FEW": st.sampled_from([1, 3, 16])})
pieces = st.fixed_dictionaries({name: st.sampled_from([20, 100, 10**7]) for name in ("_PIECE", "_COMPARED")})


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(pools, shares, st.integers(1, 4), sizes, pieces, st.sampled_from([Local, Elsewhere]), st.randoms())
def test_it_finds_what_comparing_all_rows_finds_in_any_order(prompts, threshold, words, lines, pieces, engine, rng):
    """On any engine, however the work is cut into pieces."""
    ids = [f"{i:02}" for i in range(len(prompts))]
    pool = pl.DataFrame({"id": ids, "prompt": prompts}, {"id": pl.String, "prompt": pl.String})
    order = rng.sample(range(len(prompts)), len(prompts))
    with pytest.MonkeyPatch.context() as patch, using(engine()):
        for name, size in {**lines, **pieces}.items():
            patch.setattr(jaccard, name, size)
        patch.setattr(jaccard, "slices", lambda text: slices(text, pieces["_PIECE"]))
        shuffled = near_duplicates(pool[order], threshold=threshold, words=words)
        near = jaccard.survivors(pool["prompt"], words, threshold)
    expected = brute_force(prompts, words, threshold)
    assert near.rows() == expected
    message = {row: f"duplicate of {of:02}" for row, of, _ in expected}
    assert [why and why.split(",")[0] for why in shuffled.why] == [message.get(row) for row in order]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(pools, pools, shares, st.integers(1, 4), sizes, st.sampled_from([Local, Elsewhere]))
def test_it_finds_what_is_near_one_of_the_first(first, rest, threshold, words, lines, engine):
    with pytest.MonkeyPatch.context() as patch, using(engine()):
        for name, size in lines.items():
            patch.setattr(jaccard, name, size)
        near = jaccard.near(pl.Series([*first, *rest], dtype=pl.String), len(first), words, threshold)
    # Of one text and one behind it the second goes where they are near.
    found = [
        [
            (likeness, -of)
            for of, text in enumerate(first)
            for _, _, likeness in brute_force([text, other], words, threshold)
        ]
        for other in rest
    ]
    best = {len(first) + i: max(each) for i, each in enumerate(found) if each}
    assert near.rows() == [(row, -of, likeness) for row, (likeness, of) in best.items()]


@pytest.mark.slow
def test_a_similarity_equal_to_the_threshold_is_enough():
    """By the same division of two numbers, whatever its last bit is."""
    letters = [f"w{i}" for i in range(24)]
    for either in (3, 7, 11, 24):
        for both in range(1, either + 1):
            texts = pl.Series([" ".join(letters[:both]), " ".join(letters[:either])])
            threshold = both / either
            assert jaccard.survivors(texts, 1, threshold).height == 1
            assert jaccard.survivors(texts, 1, np.nextafter(threshold, 2)).is_empty()


def test_words_with_a_sign_have_to_be_as_similar_by_themselves():
    same = "one two three four five six seven eight"
    assert why([same, f"{same} $1"]) == [None, None], "one has a sign, one has none"
    assert why([f"{same} $1", f"{same} $2"]) == [None, None], "other signs"
    assert why([f"{same} $1 $2 $3", f"{same} $1 $2 $4"], threshold=0.5) == [None, "duplicate of 0, 0.50"]
    assert why([f"{same} $1", f"{same} nine $1"]) == [None, "duplicate of 0, 0.70"]


@pytest.mark.parametrize(
    "prompts",
    [
        pytest.param([f"How do I read a file in {name}?" for name in ("C", "C++", "C#")], id="languages"),
        pytest.param([f"How do I write a web server in {name}?" for name in ("F", "F#", ".NET")], id="more of them"),
        pytest.param([f"What is 3 {sign} 4?" for sign in "+-*/<>"], id="calculations"),
        pytest.param(["Please factor x^2+3x-10 for me.", "Please factor x^2-3x+10 for me."], id="polynomials"),
        pytest.param(["Please solve x = 3 for all of us", "Please solve x = -3 for all of us"], id="negative figures"),
        pytest.param(["What do I do if x is true here?", "What do I do if !x is true here?"], id="negation"),
        pytest.param(["我昨天在北京的小餐馆里吃了鱼。", "你明天去上海的大学里见老师吗？"], id="Chinese"),
        pytest.param(["ฉันกินข้าวที่บ้าน", "เธอไปตลาดเมื่อวาน"], id="Thai"),
    ],
)
def test_signs_and_letters_keep_texts_apart(prompts):
    assert why(prompts) == [None] * len(prompts)


@pytest.mark.parametrize(
    "prompts",
    [
        pytest.param(["How do I read a file in C++?", "how do I read a file in **C++**"], id="marks around a sign"),
        pytest.param(["What is 3 + 4 in all?", "What is 3+4, in all?"], id="blanks around a sign"),
        pytest.param(
            ["Is a well-known cat's tail long — or not?", "Is a well known cats tail long, or not"], id="marks"
        ),
        pytest.param(
            ["我昨天在北京的小餐馆里吃了很新鲜的鱼。", "我昨天在北京的小餐馆里吃了很新鲜的肉。"], id="Chinese"
        ),
    ],
)
def test_marks_do_not(prompts):
    assert why(prompts)[1] is not None


def lines_of(monkeypatch: pytest.MonkeyPatch, prompts: list[str], **parameters: Any) -> tuple[int, int]:
    """Count the lines of all joins that a choice makes, and the rows that it drops."""
    counts: list[int] = []
    pairs = jaccard._pairs

    def counted(ranges: pl.DataFrame, *rest: Any) -> Any:
        counts.append(ranges["count"].sum())
        return pairs(ranges, *rest)

    monkeypatch.setattr(jaccard, "_pairs", counted)
    pool = pl.DataFrame({"id": [f"{i:06}" for i in range(len(prompts))], "prompt": prompts})
    gone = near_duplicates(pool, **parameters).why.count()
    return sum(counts), gone


@pytest.mark.slow
@pytest.mark.parametrize("piece", [pytest.param(10**8, id="one piece"), pytest.param(10**5, id="pieces")])
@pytest.mark.parametrize(
    ("text", "parameters", "lost"),
    [
        pytest.param("How do I {0}?", {}, 0, id="a template and one word"),
        pytest.param("How do I get the best out of {0} in my old {1} garden?", {}, 0, id="a template and two words"),
        pytest.param("How do I keep basil alive on a dark sill?", {}, 19_999, id="all the same"),
        pytest.param(
            "How do I keep my basil alive on a dark sill in {0}?", {}, 19_999, id="all words but one the same"
        ),
        pytest.param("{0}", {}, 0, id="one word, never the same"),
        pytest.param("Egg", {}, 19_999, id="one word, always the same"),
        pytest.param("How do I keep basil alive in {0}?", {"threshold": 1.0}, 0, id="only equal sets"),
        pytest.param("How do I keep {0} alive in {1}?", {"threshold": 0.01}, 19_999, id="nearly no threshold"),
    ],
)
def test_rows_that_share_a_template_cost_no_more_than_others(text, parameters, lost, piece, monkeypatch):
    """Comparing all pairs would make 200 million lines."""
    monkeypatch.setattr(jaccard, "_PIECE", piece)
    prompts = [text.format(f"x{i}", f"y{i}") for i in range(20_000)]
    lines, gone = lines_of(monkeypatch, prompts, **parameters)
    assert gone == lost
    assert lines < 6_000_000


@pytest.mark.parametrize("select", [exact_duplicates, near_duplicates, semantic_duplicates])
def test_an_empty_pool(select):
    pool = pl.DataFrame(
        {"id": [], "prompt": [], "v": []}, {"id": pl.String, "prompt": pl.String, "v": pl.Array(pl.Float32, 3)}
    )
    choice = select(pool, vectors="v") if select is semantic_duplicates else select(pool)
    assert (choice.kept.dtype, choice.why.dtype, choice.kept.len()) == (pl.Boolean, pl.String, 0)


@pytest.mark.parametrize(
    ("select", "parameters", "sentence"),
    [
        pytest.param(near_duplicates, {"column": "promt"}, "no column 'promt'", id="column"),
        pytest.param(near_duplicates, {"prefer": "stars"}, "no column 'stars'", id="preference"),
        pytest.param(near_duplicates, {"threshold": 0}, "above 0 and at most 1, not 0", id="threshold of nothing"),
        pytest.param(near_duplicates, {"threshold": 1.2}, "above 0 and at most 1", id="threshold above 1"),
        pytest.param(near_duplicates, {"words": 0}, "words must be 1 or more", id="runs of no words"),
        pytest.param(near_duplicates, {"column": []}, "needs a column", id="no column"),
        pytest.param(semantic_duplicates, {"vectors": "v"}, "no column 'v'", id="vectors"),
        pytest.param(semantic_duplicates, {"threshold": -1}, "above 0 and at most 1", id="threshold below 0"),
    ],
)
def test_refuses(select, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        select(pl.DataFrame({"id": ["a"], "prompt": ["p"]}), **parameters)


def rows(count: int, d: int = 32, seed: int = 0, near: float = 0.3) -> np.ndarray:
    """Make vectors of which the second half lies near the first, at the cosine 1 / sqrt(1 + near^2)."""
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((count // 2, d))
    noise = rng.standard_normal(half.shape) * near * np.linalg.norm(half, axis=1, keepdims=True) / np.sqrt(d)
    return np.concatenate([half, half + noise]).astype(np.float32)


def pool_of(vectors: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{i:06}" for i in range(len(vectors))], "v": vectors})


def test_vectors_near_and_far():
    pool = pool_of(np.array([[1, 0, 0], [0, 1, 0], [0.9, 0.1, 0], [-1, 0, 0], [2, 0, 0]], dtype=np.float32))
    choice = semantic_duplicates(pool, vectors="v")
    assert choice.why.to_list() == [None, None, "duplicate of 000000, 0.99", None, "duplicate of 000000, 1.00"]
    assert choice.notes == {"near pairs in sample": 6, "recall": 1}


def test_a_row_without_direction_is_nobodys_duplicate():
    pool = pl.DataFrame({"id": ["a", "b", "c", "d"], "v": [[0.0, 0.0], [0.0, 0.0], None, None]})
    assert semantic_duplicates(pool, vectors="v", threshold=0.01).kept.all()


def test_the_kept_row_is_the_nearest_one():
    angles = np.radians([0, 50, 30])
    pool = pool_of(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    assert semantic_duplicates(pool, vectors="v", threshold=0.8).why[2] == "duplicate of 000001, 0.94"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.9]))
def test_neither_order_nor_block_matters(seed, threshold):
    vectors = rows(60, d=4, seed=seed)
    order = np.random.default_rng(seed).permutation(60)
    pool = pool_of(vectors)
    choice = semantic_duplicates(pool, vectors="v", threshold=threshold)
    assert (
        semantic_duplicates(pool[order], vectors="v", threshold=threshold).why.to_list() == choice.why[order].to_list()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK", 7)
        assert semantic_duplicates(pool, vectors="v", threshold=threshold).why.to_list() == choice.why.to_list()
    q = quantise(vectors).astype(np.int64)
    like = q @ q.T / 4080**2
    kept = choice.kept.to_numpy()
    assert (np.triu(like[kept][:, kept], 1) < threshold).all()
    assert (like[~kept][:, kept].max(axis=1, initial=0) >= threshold).all()


@pytest.mark.slow
def test_cells_find_what_an_exact_search_finds(monkeypatch):
    pytest.importorskip("faiss", reason="the extra `near` is not installed")
    pool = pool_of(rows(6_000))
    exact = semantic_duplicates(pool, vectors="v")
    monkeypatch.setattr(neighbours, "EXACT", 0)
    choice = semantic_duplicates(pool, vectors="v")
    assert choice.notes["recall"] >= 0.99
    assert (choice.kept == exact.kept).mean() >= 0.99
    order = np.random.default_rng(1).permutation(6_000)
    assert semantic_duplicates(pool[order], vectors="v").why.to_list() == choice.why[order].to_list()


def test_threads_do_not_matter(monkeypatch):
    faiss = pytest.importorskip("faiss", reason="the extra `near` is not installed")
    monkeypatch.setattr(neighbours, "EXACT", 0)
    pool = pool_of(rows(3_000))
    several = semantic_duplicates(pool, vectors="v")
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(1)
        assert semantic_duplicates(pool, vectors="v").why.to_list() == several.why.to_list()
    finally:
        faiss.omp_set_num_threads(before)
