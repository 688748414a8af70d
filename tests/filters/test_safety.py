import os
import sys
from pathlib import Path

import polars as pl
import pytest

from curate.filters import toxic
from curate.filters.safety import _probabilities, profanity_rounded

pytest.importorskip("profanity_check", reason="the model of toxic is not installed: pip install 'curate-lm[toxic]'")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("You stupid idiot, shut up!", True, id="an insult"),
        pytest.param("Let the tea stand for three minutes.", False, id="a recipe"),
        pytest.param("", False, id="an empty text"),
        pytest.param("People from there should not be let in anywhere.", False, id="hatred without a swear word passes"),
        pytest.param(None, None, id="null has no verdict"),
    ],
)  # fmt: skip
def test_toxic(text, holds):
    assert pl.DataFrame({"response": [text]}, schema={"response": pl.String}).select(toxic("response")).item() is holds


def test_an_insult_in_a_long_text_is_outweighed():
    insult, filler = "You stupid idiot! ", "The boiling point of water depends on the pressure of the air. "
    frame = pl.DataFrame({"response": [insult, insult + 40 * filler]})
    assert frame.select(toxic("response")).to_series().to_list() == [True, False]


def test_the_measure_is_the_probability_to_four_decimals():
    frame = pl.DataFrame({"response": ["You stupid idiot!", None, "Tea."]})
    measured = frame.select(profanity_rounded("response")).to_series().to_list()
    assert toxic.measure is profanity_rounded  # type: ignore[attr-defined]
    assert measured[0] > 0.9 > 0.1 > measured[2]
    assert measured[1] is None
    assert measured[0] == round(measured[0], 4)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 50])
def test_threshold_is_a_probability(threshold):
    with pytest.raises(ValueError, match="between 0 and 1"):
        toxic(threshold=threshold)


def test_verdict_and_measure_run_the_model_once():
    frame = pl.LazyFrame({"response": ["Tea.", "Coffee."]})
    both = frame.select(v=toxic("response", threshold=0.3), p=profanity_rounded("response"))
    assert both.explain().count("python_udf") == 1


def test_a_missing_model_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "profanity_check", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'curate-lm\[toxic\]'"):
        _probabilities(pl.Series(["tea"]))


def test_figures_on_labelled_comments():
    folder = os.environ.get("CURATE_DATA", Path(__file__).parents[2].parent / "shared" / "data")
    file = Path(folder) / "toxicity" / "surge_toxicity_en.csv"
    if not file.is_file():
        pytest.skip(f"no labelled comments: set CURATE_DATA to a folder with {file.parent.name}/{file.name}")
    frame = pl.read_csv(file).select(hit=toxic("text"), bad=pl.col("is_toxic") == "Toxic")
    both = frame.filter(pl.col("hit") & pl.col("bad")).height
    # What the docstring says of the model, so that another version of it is noticed.
    assert both / frame["hit"].sum() == pytest.approx(0.931, abs=0.01)
    assert both / frame["bad"].sum() == pytest.approx(0.481, abs=0.01)
