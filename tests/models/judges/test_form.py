from __future__ import annotations

import pytest

from curate.models.judges import rules
from tests.models.judges.scripted import case

LONG = " ".join(f"word{n}" for n in range(1000))


def part(check, response: str, prompt: str = "Why?", **bounds) -> float:
    (grade,) = rules(checks=[check], **bounds).grade([case(response, prompt)])
    assert grade.score == grade.parts[check]
    return grade.score


@pytest.mark.parametrize(
    ("words", "score"),
    [
        pytest.param(0, 0.0, id="nothing"),
        pytest.param(5, 0.5, id="half of the least"),
        pytest.param(10, 1.0, id="the least"),
        pytest.param(40, 1.0, id="the most"),
        pytest.param(60, 0.5, id="half over the most"),
        pytest.param(80, 0.0, id="twice the most"),
        pytest.param(999, 0.0, id="far too long"),
    ],
)
def test_length(words, score):
    assert part("length", " ".join(LONG.split()[:words]), min_words=10, max_words=40) == score


@pytest.mark.parametrize(
    "text",
    [
        "Done.",
        "Is it?",
        "Yes!\n",
        'She said "no."',
        "(It is.)",
        "**So.**",
        "Und so weiter…",
        "完了。",
        "「終わりです。」",
        "好的！）",
        "هل هذا صحيح؟",
        "یہ ٹھیک ہے۔",
        "यह ठीक है।",
        "Γιατί;",
        "```\nx = 1\n```",
    ],
)
def test_ended(text):
    assert part("ended", text) == 1


@pytest.mark.parametrize(
    "text", ["", "and then", "first,", "x = 1;", "好的", "هل هذا", "1. Take a pan\n2.  ", "x = [", "The end. And"]
)
def test_not_ended(text):
    assert part("ended", text) == 0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        pytest.param("one two three", 1.0, id="too short to repeat"),
        pytest.param("one two three four five six", 1.0, id="nothing twice"),
        pytest.param("so it is. So it is. So it is.", 0.5, id="in circles, whatever the case and stops"),
        pytest.param("go " * 101, 1 / 98, id="one word"),
    ],
)
def test_unrepeated(text, score):
    assert part("unrepeated", text) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prompt", "text", "score"),
    [
        pytest.param("How can I?", "So.", 1.0, id="a prompt about nothing"),
        pytest.param("Store BASIL leaves?", "Basil is green.", 1 / 3, id="one word of three"),
        pytest.param("Basil?", "Parsley.", 0.0, id="another subject"),
        pytest.param(" ".join(LONG.split()[:50]), "word1 word2 word3 word4 word5", 1.0, id="five are enough"),
    ],
)
def test_on_subject(prompt, text, score):
    assert part("on_subject", text, prompt) == pytest.approx(score)


def test_the_subject_is_the_last_turn():
    dialogue = case("Basil.", "Basil?", ("user", "Trains and stations"), ("assistant", "Yes?"))
    assert rules(checks=["on_subject"]).grade([dialogue])[0].score == 1


def test_the_score_is_the_mean_of_what_is_checked():
    (grade,) = rules(checks=["ended", "on_subject"]).grade([case("Basil", "Basil?")])
    assert grade.parts == {"ended": 0.0, "on_subject": 1.0}
    assert grade.score == 0.5


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"checks": []}, "one or more of length, ended", id="none"),
        pytest.param({"checks": ["ended", "ended"]}, "each once", id="one twice"),
        pytest.param({"checks": ["truth"]}, "one or more of length, ended", id="an unknown one"),
        pytest.param({"min_words": 0}, "not 0 and 300", id="no least"),
        pytest.param({"min_words": 9, "max_words": 8}, "not 9 and 8", id="crossed bounds"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(ValueError, match="rules: ") as error:
        rules(**params)
    assert message in str(error.value)


def test_describe_holds_checks_and_bounds():
    assert rules(max_words=100).describe() == {
        "judge": "rules",
        "checks": ["length", "ended", "unrepeated", "on_subject"],
        "min_words": 20,
        "max_words": 100,
    }


GOOD = {
    "English": (
        "How do I store fresh basil at home?",
        "Cut the stems of fresh basil and stand them in a glass of water, away from the fridge. Change the water every "
        "other day. If you have more than you can use at home, chop the leaves and freeze them in olive oil.",
    ),
    "Chinese": (
        "怎样在家里保存新鲜的罗勒？",
        "把新鲜罗勒的茎剪去一小段，插进一杯清水里，放在室温下，不要放进冰箱。每隔一天换一次水，这样叶子可以保存一周以上。"
        "如果家里的罗勒太多，可以把叶子切碎，加橄榄油冷冻保存。",
    ),
    "Japanese": (
        "新鮮なバジルを家で保存するにはどうすればいいですか？",
        "新鮮なバジルは茎を少し切り、水を入れたコップに挿して室温で保存します。冷蔵庫に入れると葉が黒くなります。水は一日おきに"
        "替えてください。家で使い切れないときは、刻んでオリーブオイルと一緒に冷凍保存できます。",
    ),
    "Korean": (
        "집에서 신선한 바질을 보관하려면 어떻게 하나요?",
        "신선한 바질은 줄기를 조금 자르고 물을 담은 컵에 꽂아 실온에 두세요. 냉장고에 넣으면 잎이 검게 변합니다. 물은 이틀마다 "
        "갈아 주세요. 집에서 다 쓰지 못하면 잘게 썰어 올리브유와 함께 얼려서 보관할 수 있습니다.",
    ),
    "Arabic": (
        "كيف أحفظ الريحان الطازج في المنزل؟",
        "اقطع سيقان الريحان الطازج وضعها في كوب من الماء بعيدا عن الثلاجة. غيّر الماء كل يومين حتى تبقى الأوراق خضراء. وإذا "
        "كان لديك في المنزل أكثر مما تحتاج، فقطّع الأوراق وجمّدها في زيت الزيتون، فهل تريد وصفة؟",
    ),
    "Hindi": (
        "घर पर ताज़ी तुलसी कैसे रखें?",
        "ताज़ी तुलसी के डंठल थोड़े काटकर एक गिलास पानी में रखें और उसे फ्रिज से दूर रखें। हर दूसरे दिन पानी बदलें ताकि "
        "पत्तियाँ हरी रहें। अगर घर पर ज़्यादा तुलसी हो तो पत्तियाँ काटकर तेल के साथ जमा दें।",
    ),
}


@pytest.mark.parametrize("language", GOOD)
def test_a_good_answer_is_good_in_any_language_that_is_known(language):
    prompt, response = GOOD[language]
    [grade] = rules().grade([case(response, prompt)])
    assert grade.score >= 0.85, grade


@pytest.mark.parametrize("language", GOOD)
def test_a_broken_answer_is_graded_lower_in_any_language(language):
    prompt, response = GOOD[language]
    broken = [response[: len(response) // 3], response[: len(response) // 4] * 8, GOOD["English"][1][:3] * 20]
    best, *others = (grade.score for grade in rules().grade([case(text, prompt) for text in (response, *broken)]))
    assert all(best > score + 0.1 for score in others)


@pytest.mark.parametrize(
    ("prompt", "response", "script"),
    [
        pytest.param("เก็บโหระพาอย่างไร?", "ตัดก้านโหระพาแล้วแช่ในแก้วน้ำ", "Thai", id="Thai"),
        pytest.param("How do I say it in Lao?", "ທ່ານສາມາດເວົ້າໄດ້.", "Lao", id="Lao, though it ends with a stop"),
        pytest.param("តើខ្ញុំរក្សាទុកដោយរបៀបណា?", "Put it in water.", "Khmer", id="a question in Khmer"),
    ],
)
def test_scripts_that_rules_do_not_know_have_no_grade(prompt, response, script):
    [grade] = rules().grade([case(response, prompt)])
    assert grade.score is None and grade.why is not None and script in grade.why


def test_a_word_of_another_script_is_no_matter():
    [grade] = rules(min_words=3).grade([case("Thai for water is น้ำ, as everyone knows.", "What is water in Thai?")])
    assert grade.score is not None
