"""The front matter of a card: what a hub's own library reads of it, for any licence, language and name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from curate.recipe.load import load
from curate.report.card import card
from curate.report.front import front, languages, licence
from curate.rows import standardise
from curate.run.run import run_recipe
from tests.report.small_run import make, step


def manifest(size: int = 3, **more: Any) -> dict[str, Any]:
    table = [{"source": "one", "taken": size}]
    return {
        "name": "set", "formats": ["messages"], "recipe": {}, "steps": {"one": [], "all": []}, "table": table, **more
    }  # fmt: skip


def rows(*columns: str) -> pl.LazyFrame:
    return standardise(pl.DataFrame({name: ["a"] for name in ("prompt", *columns)}), "one").lazy().drop("chosen")


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        pytest.param(["CC BY-SA 4.0", "cc-by-sa-4.0"], {"license": "cc-by-sa-4.0"}, id="one, spelled in two ways"),
        pytest.param(["MIT"], {"license": "mit"}, id="by its own name"),
        pytest.param([None, " "], {"license": "unknown"}, id="none"),
        pytest.param([], {"license": "unknown"}, id="no rows"),
        pytest.param(["mit", "cc-by-4.0"], {"license": "other", "license_name": "mixed"}, id="two"),
        pytest.param(["mit", None], {"license": "other", "license_name": "mixed"}, id="one, and rows without"),
        pytest.param(["MIT License"], {"license": "other", "license_name": "mit-license"}, id="a name that hubs lack"),
        pytest.param(['a: "b"\n---\n# c 🎉'], {"license": "other", "license_name": "a-b-c"}, id="marks of YAML"),
        pytest.param(["許諾"], {"license": "other", "license_name": "custom"}, id="no Latin letters"),
        pytest.param(["https://x.org/l"], {"license": "other", "license_name": "https-x.org-l", "license_link": "https://x.org/l"}, id="an address"),
    ],
)  # fmt: skip
def test_licences(licences, expected):
    assert licence(licences) == expected


ENGLISH, EITHER = (step("keep", "language", column="response", languages=codes) for codes in (["en"], ["no", "en"]))


@pytest.mark.parametrize(
    ("steps", "output", "taken", "expected"),
    [
        pytest.param({"one": [ENGLISH], "two": [EITHER]}, {}, (1, 1), ["en", "no"], id="a step in each source"),
        pytest.param({"one": [ENGLISH], "two": []}, {}, (1, 1), [], id="a source that was not asked"),
        pytest.param({"one": [ENGLISH], "two": []}, {}, (1, 0), ["en"], id="but none of its rows are in the set"),
        pytest.param({"one": [EITHER], "two": [], "all": [ENGLISH]}, {}, (1, 1), ["en"], id="a step over all"),
        pytest.param({"one": [{**ENGLISH, "verb": "drop"}], "two": []}, {}, (1, 0), [], id="a step that drops"),
        pytest.param({"one": [], "two": []}, {"language": ["de"]}, (1, 1), ["de"], id="as the recipe states"),
        pytest.param({"one": [], "two": []}, {}, (0, 0), [], id="an empty set"),
    ],
)
def test_languages(steps, output, taken, expected):
    table = [{"source": name, "taken": n} for name, n in zip(("one", "two"), taken, strict=True)]
    assert languages({"recipe": {"output": output}, "steps": {"all": [], **steps}, "table": table}) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (1_000_000, "1M<n<10M")],
)
def test_sizes(size, expected):
    assert front(rows("response"), manifest(size), [])["size_categories"] == [expected]


@pytest.mark.parametrize(
    ("columns", "format_", "tag"),
    [
        pytest.param(["response"], "prompt_completion", "sft", id="answers"),
        pytest.param(["chosen", "rejected"], "sharegpt", "dpo", id="pairs"),
        pytest.param(["response"], "unpaired", "kto", id="labels"),
        pytest.param([], "prompts", "grpo", id="prompts"),
    ],
)
def test_tags(columns, format_, tag):
    table = pl.DataFrame({name: ["a"] for name in ("id", "prompt", *columns)}).lazy()
    assert front(table, manifest(formats=[format_]), [])["tags"] == ["curate", tag]


@pytest.mark.parametrize(
    "name", ["a: b", "no", "- x", "'\"", "🎉", "# c\n---\n", "{{ x }}", "\u202e", "1e3", "--- " * 99]
)
def test_the_hubs_library_reads_a_card_back(name):
    hub = pytest.importorskip("huggingface_hub")
    datasets_metadata = pytest.importorskip("datasets.utils.metadata")
    set_, _, facts = make(name=name, source=name, odd=name)
    state = facts | {
        "formats": ["prompt_completion", "messages"],
        "recipe": {"output": {"language": ["no"], "dev": {}}},
    }
    set_ = set_.drop("chosen").with_columns(license=pl.lit(name))
    text = card(set_, state)
    parsed = hub.DatasetCard(text)
    data = parsed.data
    assert (data.pretty_name, data.language, data.task_categories) == (
        " ".join(name.split()),
        ["no"],
        ["text-generation"],
    )
    assert data.license == "other" and data.tags == ["curate", "sft"]
    assert hub.DatasetCardData(**data.to_dict()).to_yaml() == data.to_yaml()
    configs = datasets_metadata.MetadataConfigs.from_dataset_card_data(data)
    assert configs.get_default_config_name() == "prompt_completion"
    assert list(configs) == ["prompt_completion", "messages", "rows", "ledger"]
    assert card(set_, state) == text
    assert text.startswith("---\n") and yaml.safe_load(text.split("---\n")[1]) == data.to_dict()


@pytest.mark.parametrize("language", [["english"], ["EN"], "en"])
def test_a_recipe_states_languages_by_their_codes(language, tmp_path):
    recipe = {"name": "set", "sources": {"one": {"read": {"jsonl": {"path": "in.jsonl"}}}}}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({**recipe, "output": {"language": language}}), encoding="utf-8")
    with pytest.raises(Exception, match=r"language"):
        load(tmp_path / "r.yaml")


def test_a_run_writes_what_the_recipe_states(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"prompt": "Hvorfor?", "response": "Derfor.", "license": "MIT"}\n')
    read = {"jsonl": {"path": str(tmp_path / "in.jsonl")}}
    recipe = {"name": "set", "sources": {"one": {"read": read}}, "output": {"language": ["no"]}}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run_recipe(load(tmp_path / "r.yaml"), Path(tmp_path / "out"))
    fields = yaml.safe_load((tmp_path / "out/README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert (fields["language"], fields["license"]) == (["no"], "mit")
