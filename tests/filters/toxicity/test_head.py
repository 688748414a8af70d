import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.filters import toxic
from curate.filters.safety import toxicity_rounded
from curate.filters.toxicity.head import PIECE, SIGNS, head, inputs, windows, worst
from curate.models.weights import ModelError


@given(st.text(alphabet=st.sampled_from("ab .!?\n"), max_size=3 * PIECE))
def test_windows_are_short_and_hold_every_letter(text):
    parts = list(windows(text))
    assert all(0 < len(part) <= PIECE for part in parts)
    letters = lambda value: [sign for sign in value if sign.isalpha()]  # noqa: E731
    assert letters("".join(parts)) == letters(text)


def test_a_text_is_as_bad_as_its_worst_window():
    judge = lambda parts: np.array([0.9 if "bad" in part else 0.2 for part in parts])  # noqa: E731
    assert worst(["good\n\nbad\n\ngood", "good", ""], judge) == [0.9, 0.2, 0.0]


def test_the_head_is_whole_numbers_one_for_each_dimension_and_sign():
    weights, biases, out, bias, unit = head()
    assert {len(row) for row in weights} == {384 + len(SIGNS)}
    assert len(weights) == len(biases) == len(out)
    numbers = [*biases, *out, bias, unit, *(number for row in weights for number in row)]
    assert all(isinstance(number, int) for number in numbers)
    # The largest sum that can come up, so that floats hold each one exactly.
    largest = np.abs(weights).sum(axis=1) * 4080 + np.abs(biases)
    assert largest @ np.abs(out) + abs(bias) < 2**53


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        pytest.param("Tea", [], id="none"),
        pytest.param("They aren't", [0, 7], id="a denial"),
        pytest.param('"Go," he said', [2, 3], id="a quotation"),
        pytest.param("HATE", [12], id="capitals"),
        pytest.param("the hatchet of the notary", [], id="parts of words"),
    ],
)
def test_signs_say_who_speaks_and_what_is_denied(text, signs):
    row = inputs(np.zeros((1, 384), dtype=np.int16), [text])[0, 384:]
    assert np.flatnonzero(row).tolist() == signs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Make a small classifier with weights by chance, as it would lie in a folder."""
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("classifier")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]) + "\n")
    torch.manual_seed(0)
    labels = {"label2id": {"fine": 0, "bad": 1}, "id2label": {0: "fine", 1: "bad"}}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(vocab_size=15, initializer_range=1.0, **sizes, **labels)).save_pretrained(
        folder
    )
    BertTokenizer(vocab_file=str(vocabulary)).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_classifier_in_a_folder_judges_by_the_label_that_is_named(model):
    frame = pl.DataFrame({"response": ["a b c", "j", None]})
    bad, fine = (
        frame.select(toxicity_rounded("response", model=model, label=label)).to_series() for label in ("bad", "fine")
    )
    assert bad.to_list()[2] is None
    assert (bad + fine).drop_nulls().to_list() == pytest.approx([1, 1], abs=2e-4)
    assert bad[0] != bad[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "label", "message"),
    [
        pytest.param(None, "toxic", "has no label 'toxic'; known: bad, fine", id="another label"),
        pytest.param("not/there", "bad", "the model not/there is no folder here", id="no folder"),
    ],
)
def test_a_classifier_that_cannot_be_used_says_why(folder, label, message, model):
    with pytest.raises((ModelError, ValueError, pl.exceptions.ComputeError), match=message):
        pl.DataFrame({"response": ["a"]}).select(toxic("response", model=folder or model, label=label))
