from __future__ import annotations

import pytest

from curate.recipe.extends import read_recipe
from curate.recipe.load import load
from curate.recipe.places import RecipeError

BASE = """\
name: base
size: 10
sources:
  a:
    read: {jsonl: {path: a.jsonl}}
    take: 6
    sample: {by: domain, domain_temperature: 3}
  b: {read: {jsonl: {path: b.jsonl}}, take: 4}
"""


@pytest.fixture
def there(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def write(there, text):
    (there / "over.yaml").write_text(text)
    return there / "over.yaml"


def test_a_recipe_keeps_what_it_does_not_say(there):
    data, _ = read_recipe(write(there, "extends: base.yaml\nname: over\nsources: {a: {sample: {by: source}}}\n"))
    assert data["name"] == "over"
    assert data["size"] == 10
    assert data["sources"]["a"] == {"read": {"jsonl": {"path": "a.jsonl"}}, "take": 6, "sample": {"by": "source"}}
    assert list(data["sources"]) == ["a", "b"]


def test_an_error_is_told_at_the_file_and_line_it_stands_in(there):
    (there / "base.yaml").write_text(BASE.replace("take: 4", "taek: 4"))
    with pytest.raises(RecipeError) as caught:
        load(write(there, "extends: base.yaml\nname: over\nsize: many\n"))
    lines = [line.replace(str(there), "").lstrip("/\\") for line in str(caught.value).splitlines()]
    assert lines[0] == "over.yaml:3: at size"
    assert "base.yaml:8: at sources.b.taek" in lines


def test_a_packaged_recipe_can_be_extended_from_anywhere(there):
    recipe = load(write(there, "extends: lima1k.yaml\nname: mine\nsize: 50\n"))
    assert (recipe.name, recipe.size, recipe.seed) == ("mine", 50, 2305)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("extends: over.yaml\n", "over.yaml:1: at extends\n    extends itself", id="itself"),
        pytest.param("extends: [base.yaml]\n", "names the recipe it extends by its file", id="no name"),
        pytest.param("extends: none.yaml\n", "none.yaml", id="not there"),
    ],
)
def test_what_cannot_be_extended(there, text, said):
    with pytest.raises(RecipeError) as caught:
        read_recipe(write(there, text))
    assert said in str(caught.value)
