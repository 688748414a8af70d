"""Foreign text on its way out: on the screen it is shown and does nothing, in a card and a page it is text."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from curate.errors import as_json, code, markdown, visible
from curate.report import terminal
from curate.report.page import render
from tests.trust.conftest import call, write

ACTS = "\x1b]0;x\x07 \x9b31m \x7f \r \u202e\u2066\u200f\u061c \u200b\u2060\ufeff\u00ad \U000e0041 \ud83d \u2028 \x00 [red]r[/red] :bomb: [link=x]l"
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0041]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[2J", r"\x1b[2J", id="an escape sequence"),
        pytest.param("a\x9bb\x7f", r"a\x9bb\x7f", id="C1 and DEL"),
        pytest.param("\u202eabc\u2066", r"\u202eabc\u2066", id="bidi controls"),
        pytest.param("a\u200bb\ufeff", r"a\u200bb\ufeff", id="characters without a width"),
        pytest.param("\U000e0041", r"\U000e0041", id="tags"),
        pytest.param("\ud83d half", r"\ud83d half", id="half a pair"),
        pytest.param("a\rb", r"a\x0db", id="a return that writes over the line"),
        pytest.param("a\u200db", r"a\u200db", id="a joiner between Latin letters"),
        pytest.param("a\r\nb\tc\n", "a\nb\tc\n", id="lines and tabs stay"),
        pytest.param("Grüße, שלום, 你好, नमस्ते", "Grüße, שלום, 你好, नमस्ते", id="letters stay"),
        pytest.param("👩\u200d🔬 ❤️\u200d🔥 می\u200cخواهم 1️⃣", "👩\u200d🔬 ❤️\u200d🔥 می\u200cخواهم 1️⃣", id="joiners in their place stay"),
        pytest.param("葛\U000e0100", "葛\U000e0100", id="a variant of an ideograph stays"),
        pytest.param("a\U000e0100\U000e0101", r"a\U000e0100\U000e0101", id="variants of nothing"),
    ],
)  # fmt: skip
def test_what_acts_or_hides_is_shown(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown.replace("\r\n", "\n")


def test_json_stays_the_same_data():
    written = as_json({ACTS: [ACTS]})
    assert json.loads(written) == {ACTS: [ACTS]}
    assert not RAW.search(written)


def test_tables_texts_and_progress_show_it_and_know_no_markup():
    out = io.StringIO()
    console = terminal._Console(file=out, width=300, force_terminal=True, color_system=None)
    table = Table(ACTS, title=ACTS)
    table.add_row(ACTS)
    table.add_row(Text(ACTS, style="bold"))
    console.print(table, ACTS, Text.assemble("a", (ACTS, "red"), "b"))
    with Progress(TextColumn("{task.description}", markup=False), console=console, transient=False) as bars:
        bars.add_task(ACTS)
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", out.getvalue())
    assert not RAW.search(printed)
    assert "[red]r[/red]" in printed and ":bomb:" in printed and "[link=x]" in printed


@pytest.fixture
def loud(there):
    """A finished set whose rows, sources, domains and reasons are full of what acts on a terminal."""
    text = ACTS.replace("\ud83d", "").replace("\u2028", "")
    rows = [{"prompt": f"{text} {i}", "response": f"{text} {i}", "domain": text, "license": text} for i in range(4)]
    Path("loud.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + text + "\n", encoding="utf-8")
    read = {"jsonl": {"path": "loud.jsonl", "keep": ["domain", "license"]}}
    read = {"jsonl": {"path": "loud.jsonl"}}
    write(
        {
            "name": "loud",
            "max_bad": 0.9,
            "sources": {
                text: {"read": read, "steps": [{"drop": {"mentions": {"column": "response", "phrases": ["3"]}}}]}
            },
        }
    )
    return there


@pytest.mark.slow
def test_every_command_shows_it(loud):
    outputs = [call("check", "recipe.yaml"), call("run", "recipe.yaml")]
    row = pl.read_parquet("out/loud/ledger.parquet")["id"][0]
    for command in (
        ["show", "out/loud"],
        ["why", "out/loud", row],
        ["diff", "out/loud", "out/set"],
        ["verify", "out/loud"],
    ):
        outputs += [call(*command), call(*command, "--json")]
        json.loads(outputs[-1].stdout)
    outputs.append(call("why", "out/loud", "\x1b[31m"))
    outputs.append(call("show", "out/\x1b]0;x\x07"))
    outputs.append(call("run", "\u202e.yaml"))
    outputs.append(call("run", "recipe.yaml", "--set", "\x1b[2J"))
    for result in outputs:
        assert not RAW.search(result.output.replace("\n", "")), result.output
    assert r"\x1b]0;x" in outputs[1].output


def test_a_card_is_text_whatever_the_data_say(loud):
    evil = 'mit\n---\nlicense: evil <img src=x onerror="alert(1)"> [x](javascript:alert(1)) | a | `b` &lt; \n# Head\n\u202e'
    name = "a|b\n## <b>`x`</b>"
    Path("evil.jsonl").write_text(
        json.dumps({"prompt": "p", "response": "r", "license": evil}) + "\n", encoding="utf-8"
    )
    write(
        {
            "name": "evil",
            "sources": {
                name: {
                    "read": {"jsonl": {"path": "evil.jsonl"}},
                    "steps": [{"drop": {"mentions": {"column": "response", "phrases": ["</b>`\n# x\n|"]}}}],
                },
                "<i>gone</i>`": {"read": {"jsonl": {"path": "`no|t`<b>.jsonl"}}, "optional": True},
            },
        }
    )
    assert call("run", "recipe.yaml").exit_code == 0
    card = Path("out/evil/README.md").read_text(encoding="utf-8")
    front, body = card.split("---\n")[1], card.split("---\n", 2)[2]
    fields = yaml.safe_load(front)
    assert [one["config_name"] for one in fields["configs"]] == ["prompt_completion", "rows", "ledger"]
    assert fields["license"] == "other" and re.fullmatch("[a-z0-9.+-]{1,64}", fields["license_name"])
    outside = re.sub(r"(`+) .*? \1|`[^`]*`", "", body)
    assert not re.search(r"(?<!\\)<|(?<!\\)\[|\u202e", outside), outside
    heads = [line for line in body.splitlines() if line.startswith("#")]
    assert heads == [
        "# evil",
        "## Load it",
        "## Sources",
        "## Licences",
        "## Filters",
        "## Known limits",
        "## Make it again",
    ]
    rows = [line for line in body.partition("## Sources")[2].splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


@pytest.mark.parametrize("text", ["a `b` c", "``", "`", "a\nb", "x|y", "", "<b>", "\x1b"])
def test_code_of_a_card_ends_where_it_should(text):
    span = code(text)
    fence = re.match("`+", span).group()
    assert span.endswith(fence) and fence not in span[len(fence) : -len(fence)] and "\n" not in span


@pytest.mark.parametrize(
    "text", ["[x](javascript:y)", "<img>", "a|b", "**b**", "_b_", "# h\n# h", "&lt;b&gt;", "~~x~~", "$x$", "![i](u)"]
)
def test_markdown_of_a_card_is_inert(text):
    assert not re.search(r"(?<!\\)[\[\]<>|*~$`]|\n|(?<!\\)\b_|&(?!amp;)", markdown(text))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["\u202e", "\u2066x", "\x1b", "\x9b", "</script><!--", '"><img src=x onerror=y>', "javascript:x"]
)
def test_a_page_holds_no_markup_and_no_bidi_controls_of_others(text):
    row = {"id": text, "detail": text, "domain": text, "prompt": [(text, False), (text, True)], "response": None}
    row["twin"] = dict(row)
    made = render("set.html", part="examples", sources={"forum": [("kept", [row])]})
    other = {"id": "", "detail": "x", "domain": "x", "prompt": [("x", False), ("x", True)], "response": None}
    clean = render("set.html", part="examples", sources={"forum": [("kept", [{**other, "twin": other}])]})
    assert not RAW.search(made)
    assert "<img" not in made and "<!--" not in made and "</script" not in made
    assert made.count('"') == clean.count('"')
