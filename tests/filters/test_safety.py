import sys
from importlib.util import find_spec

import polars as pl
import pytest

from curate.filters import profane, toxic
from curate.filters.safety import profanity_rounded, toxicity_rounded

PROFANITY = pytest.mark.skipif(
    find_spec("profanity_check") is None,
    reason="the model of profane is not installed: pip install 'curate-lm[profane]'",
)
INSULT, FILLER = "You stupid idiot! ", "The boiling point of water depends on the pressure of the air. "


def verdicts(filter_, texts):
    return pl.DataFrame({"response": texts}, schema={"response": pl.String}).select(filter_).to_series().to_list()


@PROFANITY
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
def test_profane(text, holds):
    assert verdicts(profane("response"), [text]) == [holds]


@PROFANITY
def test_an_insult_in_a_long_text_is_outweighed_among_swear_words():
    assert verdicts(profane("response"), [INSULT, INSULT + 40 * FILLER]) == [True, False]


@PROFANITY
def test_verdict_and_measure_run_the_model_once():
    frame = pl.LazyFrame({"response": ["Tea.", "Coffee."]})
    both = frame.select(v=profane("response", threshold=0.3), p=profanity_rounded("response"))
    assert both.explain().count("python_udf") == 1


@PROFANITY
def test_the_measure_is_the_probability_to_four_decimals():
    frame = pl.DataFrame({"response": ["You stupid idiot!", None, "Tea."]})
    measured = frame.select(profanity_rounded("response")).to_series().to_list()
    assert profane.measure is profanity_rounded  # type: ignore[attr-defined]
    assert measured[0] > 0.9 > 0.1 > measured[2]
    assert measured[1] is None
    assert measured[0] == round(measured[0], 4)


@pytest.mark.parametrize("filter_", [profane, toxic])
@pytest.mark.parametrize("threshold", [-0.1, 1.1, 50])
def test_threshold_is_a_probability(filter_, threshold):
    with pytest.raises(ValueError, match="between 0 and 1"):
        filter_(threshold=threshold)


@pytest.mark.parametrize(
    ("filter_", "module", "extra"),
    [
        pytest.param(profane(), "profanity_check", "profane", id="profane"),
        pytest.param(toxic(), "numpy", "embed", id="toxic"),
    ],
)
def test_a_missing_model_names_the_install_command(filter_, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Exception, match=rf"pip install 'curate-lm\[{extra}\]'"):
        pl.DataFrame({"assistant_turns": ["tea"]}).select(filter_)


def test_a_missing_library_of_another_model_names_the_install_command(monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text('{"id2label": {"0": "toxic"}}')
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(Exception, match=r"pip install 'curate-lm\[transformers\]'"):
        pl.DataFrame({"assistant_turns": ["tea"]}).select(toxic(model=str(tmp_path), label="toxic"))


@pytest.mark.model
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("You stupid idiot, shut up!", True, id="an insult"),
        pytest.param("They are vermin and should be wiped out.", True, id="hatred without a swear word"),
        pytest.param("Muslims are parasites and should be driven out of the country.", False, id="a limit: hatred of a group that is often named without any"),
        pytest.param("I will come to your house and beat you to death.", True, id="a threat"),
        pytest.param("You are a pathetic loser and nobody will ever like you.", False, id="a limit: scorn, just below the threshold"),
        pytest.param("Women have no place in a laboratory, they are too dumb.", False, id="a limit: contempt"),
        pytest.param("Nobody should ever call Muslims parasites.", False, id="hatred, denied"),
        pytest.param("I do not think that immigrants are criminals.", False, id="hatred, denied in other words"),
        pytest.param('The guard wrote "all Roma are thieves" in his report and was dismissed.', False, id="hatred, quoted"),
        pytest.param("Let the tea stand for three minutes.", False, id="a recipe"),
        pytest.param("My neighbour is a Muslim and works as a nurse.", False, id="a group, named"),
        pytest.param("Deaf people in our town run a theatre.", False, id="another group"),
        pytest.param("That was a fucking great concert!", False, id="a swear word, and no abuse"),
        pytest.param("Kill the parent process, and the child dies.", False, id="processes"),
        pytest.param(" \n", False, id="a blank text"),
        pytest.param(None, None, id="null has no verdict"),
    ],
)  # fmt: skip
def test_toxic(text, holds):
    assert verdicts(toxic("response"), [text]) == [holds]


@pytest.mark.model
def test_an_insult_in_a_long_text_is_found():
    clean = 20 * FILLER + "\n\n" + 20 * FILLER
    assert verdicts(toxic("response"), [clean, clean + "\n\n" + INSULT]) == [False, True]


@pytest.mark.model
def test_the_measure_of_toxic_is_the_probability_to_four_decimals():
    frame = pl.DataFrame({"response": ["You stupid idiot!", None, "Tea."]})
    high, none, low = frame.select(toxicity_rounded("response")).to_series()
    assert toxic.measure is toxicity_rounded  # type: ignore[attr-defined]
    assert (high > 0.9 > 0.3 > low, none, high) == (True, None, round(high, 4))


def test_a_model_and_its_label_come_together():
    with pytest.raises(ValueError, match="model and label come together"):
        toxic(model="folder")
