"""A run that did not give what was asked for says why, and ends with exit code 2; what it has is kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from curate.cli import main
from curate.report.page import Section, page
from tests.models.generators.servers import error, good, serving

pytestmark = pytest.mark.slow

HALF = rb'{"choices": [{"message": {"content": "bad \ud83d half"}, "finish_reason": "stop"}]}'


def write(tmp_path: Path, steps: str, rows: list[dict[str, Any]] | None = None) -> Path:
    rows = [{"prompt": f"Question {i}?", "response": "x"} for i in range(3)] if rows is None else rows
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    file = tmp_path / "r.yaml"
    read = f"name: r\nmax_bad: 1.0\nsources:\n  a:\n    read: {{jsonl: {{path: {tmp_path / 'a.jsonl'}}}}}\n"
    file.write_text(read + steps, encoding="utf-8")
    return file


def asking(tmp_path: Path, url: str) -> Path:
    engine = (
        f"generators: {{g: {{openai: {{model: m, base_url: {url}, max_retries: 0, timeout: 1, concurrency: 1}}}}}}\n"
    )
    return write(tmp_path, f"{engine}steps:\n- answer: {{respond: {{generator: g}}}}\n")


def run(tmp_path: Path, file: Path, *more: str) -> Any:
    return CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path / "out"), *more])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(lambda body, tried: error(401, "bad key"), "answered 401: bad key", id="a wrong key"),
        pytest.param(lambda body, tried: error(404, "no model"), "answered 404: no model", id="no such model"),
        pytest.param(lambda body, tried: error(500, "broken"), "answered 500: broken", id="a broken server"),
        pytest.param(lambda body, tried: (200, {}, b"<html>Hi</html>"), "no whole JSON", id="a page in place of JSON"),
        pytest.param(lambda body, tried: (200, {}, b""), "no whole JSON", id="an empty body"),
        pytest.param(lambda body, tried: (200, {}, b'{"choices": null}'), "has no choices", id="no choices"),
        pytest.param(lambda body, tried: (200, {}, HALF), "half a character", id="half a surrogate pair"),
        pytest.param(lambda body, tried: (200, {}, b" " * (17 << 20)), "does not end within 16 MB", id="a long body"),
        pytest.param(
            lambda body, tried: (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * (40 << 20))),
            "does not end within 16 MB",
            id="a packed one",
        ),
        pytest.param(
            lambda body, tried: (200, {"Content-Encoding": "gzip, gzip"}, b"x"), "is packed as", id="one packed twice"
        ),
        pytest.param(
            lambda body, tried: (429, {"Retry-After": "Fri, 31 Dec 999999999 23:59:59 GMT"}, b"[" * 5000),
            "429",
            id="a date beyond any clock",
        ),
    ],
)
def test_a_server_that_answers_nothing(tmp_path, reply, reason):
    with serving(reply) as server:
        for _ in range(2):  # and so at every rerun
            result = run(tmp_path, asking(tmp_path, server.url))
            assert result.exit_code == 2, result.output
            assert reason in result.output and "The set is empty" in result.output
            assert (tmp_path / "out" / "manifest.json").is_file()
            assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)


def test_a_server_that_is_not_there_and_json_all_the_same(tmp_path):
    result = run(tmp_path, asking(tmp_path, "http://127.0.0.1:9/v1"), "--json")
    assert result.exit_code == 2 and "the connection" in result.stderr
    assert json.loads(result.stdout)["counts"]["a"]["read"] == 3


def test_one_row_fails_and_the_others_are_kept(tmp_path):
    def reply(body: dict[str, Any], tried: int) -> Any:
        return (200, {}, HALF) if "Question 1" in body["messages"][-1]["content"] else good(body)

    with serving(reply) as server:
        for _ in range(2):
            result = run(tmp_path, asking(tmp_path, server.url))
            assert result.exit_code == 0, result.output
            assert "half a character" in result.output and "2 rows in" in result.output
        assert sum(server.asked.values()) == 3, "a row that cannot be answered is not asked about again"


@pytest.mark.parametrize(
    ("steps", "rows", "reason"),
    [
        pytest.param("steps:\n- keep: {length: {column: response, min: 99}}\n", None, "length dropped 3", id="a step"),
        pytest.param("", [], "the file is empty", id="no rows"),
    ],
)
def test_an_empty_set_says_where_its_rows_went(tmp_path, steps, rows, reason):
    result = run(tmp_path, write(tmp_path, steps, rows))
    assert result.exit_code == 2 and reason in result.output


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1e19] * 4, id="1e19 in every row"),
        pytest.param([1.7e308, -1.7e308, 0.0], id="the ends of floats"),
        pytest.param([2**63 - 1, -(2**63), 0], id="the ends of integers"),
        pytest.param([5e-324, 1e-320], id="the smallest"),
        pytest.param([-0.0, 0.0], id="a minus before zero"),
        pytest.param([3], id="one row"),
        pytest.param([1e19, 1e19 + 4096, 1.5], id="large and small"),
    ],
)
def test_numbers_at_the_edges_are_reported(tmp_path, values):
    rows = [{"prompt": f"p{i}", "response": "r", "score": value} for i, value in enumerate(values)]
    result = run(tmp_path, write(tmp_path, "steps:\n- keep: {at_least: {column: score, value: -.inf}}\n", rows))
    assert result.exit_code == 0, result.output

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    text = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text, parse_constant=refuse)
    assert "missing" not in manifest
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_section_that_fails_costs_only_itself():
    missing: dict[str, str] = {}
    fails: Any = lambda: 1 / 0  # noqa: E731
    sections = [Section("a", "A", "set.html", fails), Section("title", "B", "set.html", lambda: {"name": "fine"})]
    text = page("page", sections[1], sections, "foot", missing=missing)
    assert missing == {"A": "ZeroDivisionError: division by zero"}
    assert "could not be drawn: ZeroDivisionError" in text and text.count("<h1>fine</h1>") == 2
