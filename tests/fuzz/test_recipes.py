"""Recipes that are broken in any way are said on one screen: no traceback, no hang, and nothing runs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from curate.errors import UserError
from curate.recipe.extends import PACKAGED, read_recipe
from curate.recipe.load import load, parse
from curate.recipe.places import parse_path, put, read_value, read_yaml, set_value, spell
from tests.fuzz.mutate import mutations

pytestmark = pytest.mark.slow

N = int(os.environ.get("CURATE_FUZZ", "40"))  # mutants of each seed file
SECONDS = 20  # of one mutant; the slowest takes a tenth, on a machine that is busy
SMALL = b"""name: x
seed: 3
size: 5
max_bad: 0.5
generators: {g: {openai: {model: m, base_url: 'http://127.0.0.1:9/v1'}}}
sources:
  a: &a
    read: {jsonl: {path: a.jsonl}}
    take: 2
    steps: &s
      - keep: {length: {column: response, min: 1, max: 1e3}}
        as: short
      - drop: {mentions: {column: response, phrases: [x, "y z"]}}
    sample: {by: domain, domain_temperature: .inf}
  b: {<<: *a, steps: *s}
steps:
  - select: {exact_duplicates: {column: prompt}}
output: {formats: [messages]}
"""
SEEDS = {"small": SMALL} | {
    file.stem: file.read_bytes() for file in sorted(PACKAGED.glob("*.yaml")) if file.stat().st_size < 20_000
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_a_mutant_is_a_recipe_or_one_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    file = tmp_path / "r.yaml"
    refused = 0
    for i, mutant in enumerate(mutations(SEEDS[name], seed=11, n=N)):
        file.write_bytes(mutant)
        start = time.perf_counter()
        try:
            load(file)
        except UserError as error:
            refused += 1
            text = str(error)
            assert text.count("\n") <= 24
            text.encode()
        assert time.perf_counter() - start < SECONDS, f"mutant {i} of {name}"
    assert refused


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_every_path_that_a_message_prints_is_one_that_set_takes(tmp_path: Path, name: str) -> None:
    file = tmp_path / "r.yaml"
    spelled = 0
    for mutant in mutations(SEEDS[name], seed=12, n=N // 4):
        file.write_bytes(mutant)
        try:
            data, places = read_recipe(file)
            parse(data, places)
        except UserError as error:
            for problem in getattr(error, "problems", ()):
                if problem.path:
                    assert parse_path(spell(problem.path)) == problem.path
                    spelled += 1
    assert spelled or name != "small"


def test_values_of_set_are_read_or_refused_in_words() -> None:
    for mutant in mutations(b'sources.a.steps[0].keep["m.n:f"].max=[1, 2.5, x, {a: null}]', seed=13, n=N * 10):
        data: dict[str, Any] = {"sources": {"a": {"steps": [{"keep": {"m.n:f": {}}}]}}}
        try:
            set_value(data, mutant.decode("utf-8", "replace"))
        except ValueError as error:
            assert len(str(error)) < 500 + 2 * len(mutant)


def test_put_and_read_value_meet_every_shape() -> None:
    shapes: list[Any] = [{}, [], None, "x", 5, [{}], {"a": [1, {"b": None}]}]
    for mutant in mutations(b"a[1].b", seed=14, n=N * 5):
        for shape in shapes:
            try:
                path = parse_path(mutant.decode("utf-8", "replace"))
                if path:
                    put({"a": shape}, path, read_value("1"))
            except ValueError as error:
                assert str(error)


@pytest.mark.slow
def test_files_of_every_depth_and_width_are_read_or_refused_in_time(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    wide = (
        "a: &a "
        + "[x, " * 1
        + "x]\n"
        + "".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    )
    merged = "a: &a {k: v}\n" + "".join(
        f"{c}: &{c} {{<<: [{', '.join([f'*{p}'] * 9)}]}}\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text in (wide, merged, "a: " + "[" * 3000, "a: " + "{b: " * 3000, "- " * 3000, f"s: &s {'x' * 10**5}\nl: [{', '.join(['*s'] * 500)}]\n",
                 "1:" * 10**5, "a: " + "1" * 5000, "a: " + "1:" * 5000 + "1", "? " * 5000, "&a " * 1000 + "x", "!" * 10**5):  # fmt: skip
        file.write_text(text, encoding="utf-8")
        start = time.perf_counter()
        with pytest.raises(UserError):
            read_yaml(file)
        assert time.perf_counter() - start < SECONDS, text[:60]
