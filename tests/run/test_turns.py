"""Steps on turns: in the row-wise pass, in a run, and what ledger, screen, manifest and report say of them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filter import Property, Score, measures
from curate.filters import alike, first_person, length, prompt_from_title_or_body, replace_opening, strip_links
from curate.recipe.load import load
from curate.recipe.registry import check, parameters
from curate.recipe.step import build
from curate.report import terminal
from curate.report.steps import near_misses
from curate.rows import stack, standardise
from curate.run.ledger import evidence_text
from curate.run.rowpass import NO_VALUE, row_pass
from curate.run.run import run_recipe
from curate.run.what_if import thresholds
from curate.texts import TurnsError
from curate.turns import OPTIONAL, answer, conversation, cut, reply, turn
from tests.conversations import conversations


def step(verb, function, label="step", **params):
    checked, wrong = check(parameters(function), params)
    assert not wrong
    return build(verb, function.__name__, label, function, checked, "r.yaml:1")


def dialogue(*said, column="response"):
    return cut([turn("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(said)], column)


def frame(*rows):
    schema = {"system": pl.String, "prompt": pl.String, "response": pl.String, "chosen": pl.String, **OPTIONAL}
    history = standardise(pl.DataFrame({"prompt": [""]}), "s").schema["history"]
    return standardise(pl.DataFrame(rows, schema={**schema, "history": history, "rejected": pl.String}), "s")


def details(ledger):
    return ledger.select(evidence_text())["detail"].to_list()


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        pytest.param(dialogue("Hi?", "I see.", "So?", "No."), "turn 2: I see.", id="an earlier turn"),
        pytest.param(dialogue("Hi?", "Yes.", "So?", "I see."), "turn 4: I see.", id="the last"),
        pytest.param(dialogue("Hi?", "I do.", "So?", "I see."), "turn 2: I do.", id="the first of two"),
        pytest.param({**dialogue("Hi?", "Yes.", "So?", "I see."), "system": "Be brief."}, "turn 5: I see.", id="counted with the system prompt"),
        pytest.param(dialogue("Hi?", "I see."), "I see.", id="a single turn has no number"),
        pytest.param(dialogue("Hi?"), NO_VALUE, id="no answer"),
        pytest.param({**dialogue("Hi?", "Yes.", column="chosen"), "rejected": "I see."}, "turn 2: rejected I see.", id="of two answers"),
    ],
)  # fmt: skip
def test_a_dropped_row_names_the_turn(row, detail):
    passed = row_pass(frame(row), [step("drop", first_person)])
    assert passed.ledger["step"].to_list() == [False]
    assert details(passed.ledger) == [f"step: {detail}"]
    assert passed.unseen == {}


def test_a_turn_that_calls_a_tool_has_no_text_and_what_the_tool_says_is_nobodys():
    turns = [turn("user", "Hi?"), turn("assistant", tool_calls=[{"id": "1", "name": "f"}]), turn("tool", "I am 4")]
    passed = row_pass(frame(cut([*turns, turn("assistant", "Four.")])), [step("drop", first_person, "voice")])
    assert passed.kept.height == 1
    every = row_pass(frame(cut([*turns, turn("assistant", "Four.")])), [step("drop", first_person, column="turns")])
    assert details(every.ledger) == ["step: turn 3: I am 4"]


LONG = dialogue("Hi?", "x" * 30, "So?", "x" * 12, "And?", "x" * 50)


@pytest.mark.parametrize(
    ("verb", "bounds", "columns"),
    [
        pytest.param("keep", {"min": 10}, {"": 12}, id="passes a lower bound: the least"),
        pytest.param("keep", {"max": 60}, {"": 50}, id="passes an upper bound: the greatest"),
        pytest.param("keep", {"min": 40}, {"": 12}, id="fails a lower bound: the least"),
        pytest.param("keep", {"max": 20}, {"": 50}, id="fails an upper bound: the greatest"),
        pytest.param("drop", {"min": 40}, {"": 50}, id="what is dropped has no lower but an upper bound"),
        pytest.param("keep", {"min": 10, "max": 60}, {".least": 12, ".greatest": 50}, id="two bounds"),
    ],
)
def test_the_ledger_has_the_worst_measure(verb, bounds, columns):
    ledger = row_pass(frame(LONG), [step(verb, length, "length", column="assistant_turns", **bounds)]).ledger
    measured = {name: ledger[name].item() for name in ledger.columns if name.startswith("length.")}
    assert measured == {f"length.assistant_turns{end}": number for end, number in columns.items()}


def test_evidence_has_the_measure_of_the_turn_that_it_names():
    ledger = row_pass(frame(LONG), [step("keep", length, column="assistant_turns", min=40)]).ledger
    assert details(ledger) == ["step: turn 2: 30.0"]
    single = row_pass(frame(dialogue("Hi?", "x")), [step("keep", length, column="assistant_turns", min=2, max=9)])
    assert details(single.ledger) == ["step: 1.0"]


def test_a_list_may_have_columns_and_turns_and_each_must_pass():
    some = step("keep", length, "length", column=["prompt", "assistant_turns"], min=4)
    rows = frame(dialogue("Why?", "Because.", "So?", "Yes."), LONG, dialogue("Why?", "No.", "So so?", "Yes."))
    ledger = row_pass(rows, [some]).ledger
    assert ledger["length"].to_list() == [False, True, False]
    assert ledger["length.prompt"].to_list() == [3, 4, 6]
    assert details(ledger) == ["length: 3.0", None, "length: turn 2: 6.0 3.0"]


@pytest.mark.parametrize("answers", [(None, "No."), ("No.", None), (None, None), (None, "I see.")])
def test_a_row_without_an_answer_has_no_evidence_beside_one_that_has(answers):
    rows = frame(*({**dialogue("Why?", "x"), "response": answer} for answer in answers))
    ledger = row_pass(rows, [step("drop", first_person)]).ledger
    assert ledger["kept"].to_list() == [answer == "No." for answer in answers]


CASES = ["I see.", "My word!", "No.", "A [link](http://a.b).", ""]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(conversations(most=2), min_size=1, max_size=5), st.data(), st.integers(0, 5))
def test_a_batch_split_anywhere_gives_the_same_rows_and_the_same_ledger(some, data, at):
    rows = [{**cut(turns), "response": data.draw(st.sampled_from([None, *CASES]))} for turns in some]
    steps = [
        step("edit", strip_links, "links", column="turns"),
        step("drop", first_person, "voice"),
        step("keep", length, "one", column="user_turns", min=2),
        step("keep", length, "two", column=["prompt", "turns"], min=1, max=9),
        step("drop", first_person, "thoughts", column="thoughts"),
    ]
    whole = row_pass(frame(*rows), steps)
    halves = [row_pass(frame(*half), steps) for half in (rows[:at], rows[at:]) if half]
    assert whole.rows.equals(stack([half.rows for half in halves]).select(whole.rows.columns))
    assert whole.ledger.equals(pl.concat([half.ledger for half in halves]))


def test_an_edit_of_turns_is_seen_by_later_steps():
    edit = step("edit", replace_opening, "edit", column="assistant_turns", old="I", new="We all")
    passed = row_pass(frame(dialogue("I am?", "I see.", "So?", "I do.")), [edit, step("drop", first_person)])
    row = passed.kept.to_dicts()[0]
    assert [t["content"] for t in conversation(row)] == ["I am?", "We all see.", "So?", "We all do."]


def test_thoughts_are_looked_at_by_their_name_alone():
    row = cut([turn("user", "2 + 2?"), turn("assistant", "Four.", thinking="I add.")])
    passed = row_pass(
        frame(row, row),
        [step("drop", first_person, "voice"), step("edit", replace_opening, "e", column="thoughts", old="I", new="We")],
    )
    assert passed.kept.height == 2
    assert answer(passed.rows.to_dicts()[0]) == [turn("assistant", "Four.", thinking="We add.")]
    ledger = row_pass(frame(row, dialogue("a", "b")), [step("drop", first_person, column="thoughts")]).ledger
    assert details(ledger) == ["step: I add.", f"step: {NO_VALUE}"]


def size(column: str) -> Score:
    return pl.col(column).str.len_chars()


def shouts(column: str) -> Property:
    return shouted(column) > 0


@measures(shouts)
def shouted(column: str) -> pl.Expr:
    return pl.col(column).str.count_matches("!")


def test_a_score_of_turns_is_their_mean():
    rows = row_pass(frame(LONG, dialogue("Hi?")), [step("score", size, "size", column="assistant_turns")]).rows
    assert rows["size"].round(3).to_list() == [30.667, None]


def test_a_measure_without_a_bound_gives_the_least_and_the_greatest():
    ledger = row_pass(frame(dialogue("Hi!", "No!!", "So!", "Yes")), [step("drop", shouts, "s", column="turns")]).ledger
    assert ledger.select("s.turns.least", "s.turns.greatest").row(0) == (0, 2)
    assert details(ledger) == ["s: turn 1: 1.0"]


@pytest.mark.parametrize(
    ("verb", "function", "params", "sentence"),
    [
        pytest.param("edit", strip_links, {"column": ["prompt", "turns"]}, "'prompt' is among the turns", id="twice"),
        pytest.param("edit", prompt_from_title_or_body, {"column": "turns"}, "reads no turns", id="does not read them"),
        pytest.param("keep", alike, {"column": "user_turns", "other": "turns"}, "one filter reads turns and", id="two kinds"),
    ],
)  # fmt: skip
def test_what_no_step_can_do_is_said_before_a_run(verb, function, params, sentence):
    with pytest.raises(TurnsError, match=sentence):
        step(verb, function, **params)


@pytest.mark.parametrize(
    ("some", "count"),
    [
        pytest.param(step("drop", first_person, column="response"), 2, id="answers"),
        pytest.param(step("drop", first_person, column="prompt"), 2, id="prompts"),
        pytest.param(step("edit", strip_links, column=["prompt", "response"]), 2, id="an edit of both"),
        pytest.param(step("drop", first_person, column=["prompt", "assistant_turns"]), 2, id="prompts alone"),
        pytest.param(step("drop", first_person, column=["prompt", "turns"]), 0, id="all turns"),
        pytest.param(step("drop", first_person), 0, id="the default"),
        pytest.param(step("keep", alike, column="response", other="prompt"), 0, id="what compares two texts"),
    ],
)  # fmt: skip
def test_a_step_that_looks_at_one_turn_counts_the_rows_that_have_more(some, count):
    rows = frame(LONG, dialogue("Hi?", "Yes.", "So?"), dialogue("Hi?", "No."))
    assert row_pass(rows, [some]).unseen == ({"step": count} if count else {})


def test_a_call_before_the_answer_is_no_turn_of_text_that_is_unseen():
    turns = [turn("user", "Hi?"), turn("assistant", tool_calls=[{"id": "1", "name": "f"}]), turn("tool", "4")]
    said = [*turns[:1], {**turns[1], "content": "A moment."}, turns[2]]
    rows = frame(*(cut([*some, turn("assistant", "Four.")]) for some in (turns, said)))
    assert row_pass(rows, [step("drop", first_person, column="response")]).unseen == {"step": 1}
    pair = {**dialogue("Hi?", "Yes.", column="chosen"), **reply([*said[1:], turn("assistant", "No.")], "rejected")}
    assert row_pass(frame(pair), [step("drop", first_person, column="chosen")]).unseen == {}


# Whole runs.

TEST = "Which of the two brothers carried the lamp over the frozen bridge that night?"


@pytest.fixture
def data(tmp_path, monkeypatch, write_jsonl):
    """Twelve dialogues: in 3 an earlier question of a test set, in 4 an earlier answer in the first person."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    asked = [TEST if i < 3 else f"What does number {i} stand for?" for i in range(12)]
    first = ["I think so." if 2 <= i < 6 else f"It stands for {i}." for i in range(12)]
    rows = [
        [turn("user", a), turn("assistant", b), turn("user", "And then?"), turn("assistant", f"Nothing more, {i}.")]
        for i, (a, b) in enumerate(zip(asked, first, strict=True))
    ]
    write_jsonl("rows.jsonl", [{"messages": row} for row in rows])
    write_jsonl("mytest.jsonl", [{"question": TEST}])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(*steps, shared=()):
    return {"sources": {"d": {"read": {"jsonl": {"path": "rows.jsonl"}}, "steps": list(steps)}}, "steps": list(shared)}


CONTAMINATED = {"drop": {"contaminated": {"by": ["mytest.jsonl:question"]}}}


def test_a_test_question_in_an_earlier_turn_is_found_by_default(data, write_recipe):
    manifest = run_recipe(load(write_recipe(recipe(CONTAMINATED, {"drop": "first_person"}))), data / "out")
    assert manifest["counts"]["d"]["kept"] == 6
    ledger = pl.read_parquet(data / "out/ledger.parquet")
    lines = [line for text in details(ledger.filter(~pl.col("kept"))) for line in text.split("\n")]
    assert (
        sum(line.startswith("contaminated: turn 1: mytest.jsonl line 1 (13 words on end): Which") for line in lines)
        == 3
    ), lines
    assert sum(line.startswith("first_person: turn 2") for line in lines) == 4
    assert "unseen" not in manifest


def test_what_a_step_leaves_unseen_stands_in_manifest_screen_and_report(data, write_recipe, capsys):
    one = {"drop": {"first_person": {"column": "response"}}}
    many = {"drop": {"contaminated": {"column": "prompt", "by": ["mytest.jsonl:question"]}}}
    same = {"select": {"exact_duplicates": {"column": "prompt"}}}
    manifest = run_recipe(load(write_recipe(recipe(one, shared=[many, same]))), data / "out")
    assert manifest["unseen"] == {"first_person": 12, "contaminated": 12, "exact_duplicates": 12}
    terminal.show_run(manifest, "out")
    sentence = "other turns of dialogues, by first_person (12 rows), contaminated (12 rows), exact_duplicates (12 rows)"
    assert capsys.readouterr().out.count(sentence) == 1
    assert sentence in (data / "out/report.html").read_text(encoding="utf-8")
    again = run_recipe(load(write_recipe(recipe(one, shared=[many, same]))), data / "out")
    assert (again["stages"]["built"], again["unseen"]) == ([], manifest["unseen"])


def test_a_selector_compares_whole_conversations(data, write_recipe):
    alone = {"select": {"exact_duplicates": {"column": "prompt"}}}
    assert run_recipe(load(write_recipe(recipe(alone))), data / "one")["counts"]["d"]["kept"] == 1
    whole = {"select": {"exact_duplicates": {"column": "turns"}}}
    near = {"select": {"near_duplicates": {"column": ["user_turns", "assistant_turns"], "threshold": 1.0}}}
    manifest = run_recipe(load(write_recipe(recipe(whole, near))), data / "all")
    assert manifest["counts"]["d"]["kept"] == 12
    asked = {"select": {"exact_duplicates": {"column": "user_turns"}}}
    assert run_recipe(load(write_recipe(recipe(asked))), data / "asked")["counts"]["d"]["kept"] == 10


def test_moved_bounds_and_near_misses_hold_for_every_turn(data, write_recipe, write_jsonl):
    sizes = [(20, 90), (45, 60), (50, 70), (60, 130), (95, 99), (60, 80)]
    rows = [dialogue("Hi?", "x" * a, f"So {a}?", "y" * b) for a, b in sizes]
    write_jsonl("rows.jsonl", [{"messages": conversation(row)} for row in rows])
    long = {"keep": {"length": {"column": "assistant_turns", "min": 50, "max": 100}}}
    manifest = run_recipe(load(write_recipe(recipe(long))), data / "out")
    ledger = pl.read_parquet(data / "out/ledger.parquet")
    assert sorted(ledger.filter("kept")["length.assistant_turns.least"]) == [50, 60, 95]
    least, greatest = "length.assistant_turns.least", "length.assistant_turns.greatest"
    moves = thresholds(data / "out", [f"{least} >= 20", f"{least} >= 55", f"{greatest} <= 130", f"{greatest} <= 80"])
    assert moves.select("gained", "lost").rows() == [(2, 0), (0, 1), (1, 0), (0, 1)]
    near = near_misses(ledger, manifest).sort("measured")
    assert near.select("measured", "bound", "distance").rows() == [(20, "min", 30), (45, "min", 5), (130, "max", 30)]


def test_a_misspelt_kind_and_a_column_of_that_name_are_said(data, write_recipe, write_jsonl):
    with pytest.raises(
        Exception, match="'asistant_turns', which these rows do not have; did you mean 'assistant_turns'"
    ):
        run_recipe(load(write_recipe(recipe({"drop": {"first_person": {"column": "asistant_turns"}}}))), data / "out")
    write_jsonl("rows.jsonl", [{"prompt": "a", "response": "b", "turns": 2}])
    with pytest.raises(Exception, match=r"recipe.yaml:.*'turns' names the texts of turns, but the rows have a column"):
        run_recipe(load(write_recipe(recipe({"drop": {"first_person": {"column": "turns"}}}))), data / "out")


def test_what_is_redacted_is_redacted_in_every_turn_of_the_set(data, write_recipe):
    (data / "mine.py").write_text(
        "import polars as pl\nfrom curate.filter import Edit\n\ndef redact(column: str) -> Edit:\n"
        "    return pl.col(column).str.replace_all('number', '***')\n",
        encoding="utf-8",
    )
    run_recipe(load(write_recipe(recipe({"edit": {"mine:redact": {"column": "turns"}}}))), data / "out")
    lines = (data / "out/train.jsonl").read_text(encoding="utf-8")
    assert (lines.count("number"), lines.count("***")) == (0, 18), "nine questions, before each of two answers"


@pytest.mark.parametrize(("thoughts", "count"), [("keep", 2), ("drop", 0)])
def test_thoughts_stay_in_the_set_or_are_left_out(tmp_path, monkeypatch, write_jsonl, write_recipe, thoughts, count):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    earlier = [turn("user", "1+1?"), turn("assistant", "<think>1, 2</think>2")]
    rows = [{"messages": [*earlier, turn("user", f"{i}+{i}?"), turn("assistant", f"{2 * i}")]} for i in range(2)]
    rows.append({"prompt": "4+4?", "response": "<think>5, 6, 7, 8</think>8"})
    for i, row in enumerate(rows):
        write_jsonl(f"rows{i}.jsonl", [row])
    sources = {f"s{i}": {"read": {"jsonl": {"path": f"rows{i}.jsonl"}}} for i in range(3)}
    output = {"formats": ["messages"], "thoughts": thoughts}
    run_recipe(load(write_recipe({"sources": sources, "output": output})), tmp_path / "out")
    text = (tmp_path / "out/train.jsonl").read_text(encoding="utf-8")
    assert text.count("1, 2") == count
    assert text.count("5, 6, 7, 8") == count / 2
    table = pl.read_parquet(tmp_path / "out/train.parquet")
    assert ("response_turns" in table.columns) == (thoughts == "keep")
    assert table["response"].sort().to_list() == ["0", "2", "8"]
