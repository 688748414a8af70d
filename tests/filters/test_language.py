"""Which language a text is in: by hand in many scripts, and what is no language."""

from __future__ import annotations

import polars as pl
import pytest

from curate.filters import language
from curate.filters.language import language_name, probability_rounded

SENTENCES = {
    "en": "The tea should stand for a minute or two before you pour it.",
    "de": "Der Tee sollte eine oder zwei Minuten ziehen, bevor man ihn eingießt.",
    "fr": "Le thé doit infuser une ou deux minutes avant d'être versé.",
    "es": "El té debe reposar uno o dos minutos antes de servirlo.",
    "no": "Teen bør trekke i ett eller to minutter før du heller den opp.",
    "ru": "Чай должен настояться минуту или две, прежде чем его разливать.",
    "zh": "茶应该泡一两分钟，然后再倒出来。",
    "ja": "お茶は注ぐ前に一、二分ほど蒸らしてください。",
    "ko": "차는 따르기 전에 일이 분 정도 우려내야 합니다.",
    "ar": "يجب أن يُنقع الشاي لمدة دقيقة أو دقيقتين قبل صبه.",
    "hi": "चाय को डालने से पहले एक या दो मिनट तक रहने देना चाहिए।",
    "th": "ควรปล่อยให้ชาแช่ไว้สักหนึ่งหรือสองนาทีก่อนที่จะริน",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_in_its_language_and_in_no_other(code):
    frame = pl.DataFrame({"response": [SENTENCES[code]]})
    others = [other for other in SENTENCES if other != code]
    assert frame.select(language(languages=[code])).item()
    assert not frame.select(language(languages=others)).item()


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param(None, None, id="null has no verdict"),
        pytest.param("", False, id="nothing"),
        pytest.param("2 + 2 = 4", False, id="figures and signs"),
        pytest.param("```\nfor i in range(10): print(i)\n```", False, id="code alone"),
        pytest.param(f"```\n{SENTENCES['de']}\n```\n{SENTENCES['en']}", True, id="code does not count"),
        pytest.param(SENTENCES["en"] + " 日本", True, id="a word of another language"),
    ],
)
def test_what_is_in_english(text, holds):
    frame = pl.DataFrame({"response": [text]}, schema={"response": pl.String})
    assert frame.select(language(languages=["en"])).item() is holds


def test_several_languages_count_together():
    frame = pl.DataFrame({"response": list(SENTENCES.values())})
    assert frame.select(language(languages=["de", "fr"])).to_series().to_list().count(True) == 2
    both, one = (frame.select(probability_rounded(languages=names)).to_series() for names in (["de", "fr"], ["de"]))
    assert (both >= one).all()
    assert both.max() <= 1


def test_the_language_is_named():
    frame = pl.DataFrame({"response": [SENTENCES["fr"], None]})
    assert frame.select(language_name()).to_series().to_list() == ["fr 1.00", None]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"languages": []}, "name one", id="none"),
        pytest.param({"languages": ["english"]}, "has no code 'english'; it has ace, af", id="a name for a code"),
        pytest.param({"languages": ["en"], "threshold": 90}, "between 0 and 1, not 90", id="a threshold in per cent"),
    ],
)
def test_language_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        language(**parameters)
