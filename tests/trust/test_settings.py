"""Secrets in settings: refused in one sentence that does not repeat them, and written down nowhere."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main
from curate.evaluate.bench.lm_eval import BenchError
from curate.evaluate.bench.lm_eval import Settings as BenchSettings
from curate.models.generators import openai
from curate.models.generators.ask import GeneratorError, Settings
from curate.models.settings import find_secrets, mask
from curate.recipe.places import Places, RecipeError
from curate.train.config import resolve
from tests.trust.conftest import call, recipe, write

KEY = "sk-proj-4Vx9Qz7Lm2Tn8Rw1"


def server(**params):
    return recipe(generators={"g": {"openai": {"model": "m", "base_url": "http://127.0.0.1:9/v1", **params}}})


REFUSED = [
    pytest.param(server(base_url="http://127.0.0.1:9/v1?api_key=hush-hush"), id="a query of the address"),
    pytest.param(server(base_url="http://127.0.0.1:9/v1?k=hush-hush"), id="a query of another name"),
    pytest.param(server(base_url="http://me:hush-hush@127.0.0.1:9/v1"), id="a password in the address"),
    pytest.param(server(base_url="http://127.0.0.1:9/v1#token=hush-hush"), id="a fragment"),
    pytest.param(server(sampling={"extra_headers": {"Authorization": "Bearer hush-hush"}}), id="a header"),
    pytest.param(server(sampling={"extra_body": {"api_key": "hush-hush"}}), id="the body"),
    pytest.param(server(sampling={"extra_query": {"X-Amz-Signature": "hush-hush"}}), id="a query of the request"),
    pytest.param(server(api_key_env=KEY), id="the key for the name of its variable"),
    pytest.param(server(model=KEY), id="the key for a model"),
    pytest.param(server(api_key="hush-hush"), id="a parameter that there is not"),
    pytest.param(recipe(generators={"g": {"vllm": {"model": "org/m", "engine": {"hf_token": "hush-hush"}}}}), id="an engine's token"),
    pytest.param(recipe(judges={"j": {"reward_model": {"model": "org/m", "engine": {"token": "hush-hush"}}}}), id="a judge's"),
    pytest.param(
        {"name": "set", "sources": {"one": {"read": {"mine:reader": {"password": "hush-hush"}}}}}, id="a reader's password"
    ),
    pytest.param(recipe(steps=[{"keep": {"mine:system": {"url": "https://h/x?sig=hush-hush"}}}]), id="a signed address"),
]  # fmt: skip


@pytest.mark.parametrize("data", REFUSED)
@pytest.mark.parametrize("command", [["check"], ["run"], ["check", "--json"]])
def test_a_secret_in_a_recipe_is_refused_and_not_repeated(there, data, command):
    result = call(*command, write(data))
    assert result.exit_code == 2
    assert "hush-hush" not in result.output and KEY not in result.output
    assert not list(Path("out").rglob("*.tmp")) and sorted(p.name for p in Path("out").iterdir()) == ["set"]


@pytest.mark.parametrize("path", ["generators.g.openai.base_url", "generators.g.openai.sampling.extra_body.token"])
def test_a_secret_that_is_set_on_the_command_line_is_refused(there, path):
    write(server(sampling={"extra_body": {}}))
    result = call("check", "recipe.yaml", "--set", f"{path}=http://h/v1?api_key=hush-hush")
    assert result.exit_code == 2 and "hush-hush" not in result.output


def test_a_secret_in_the_environments_address_is_refused(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1?api_key=hush-hush")
    with pytest.raises(GeneratorError, match="api_key_env") as error:
        openai("m")
    assert "hush-hush" not in str(error.value)


@pytest.mark.parametrize("address", ["127.0.0.1:9/v1?api_key=hush-hush", "ftp://me:hush-hush@h/v1"])
def test_an_address_that_is_none_is_said_without_its_secret(address):
    with pytest.raises(GeneratorError) as error:
        openai("m", base_url=address)
    assert "hush-hush" not in str(error.value)


@pytest.mark.parametrize(
    "block",
    [
        {"model_args": {"token": "hush-hush"}},
        {"trainer": {"hub_token": "hush-hush"}},
        {"trainer": {"report_to": "https://me:hush-hush@host"}},
        {"model": "https://host/model?token=hush-hush"},
    ],
)
def test_a_secret_in_a_training_config_is_refused(block):
    with pytest.raises(RecipeError, match="holds a secret") as error:
        resolve("sft", {"model": "m", "data": "d", **block}, Places("sft.yaml"))
    assert "hush-hush" not in str(error.value)


def test_a_secret_in_an_ablation_and_in_judges_is_refused(there):
    write(
        {"name": "a", "judges": {"j": {"rules": {}}}, "arms": {"x": {}}, "answer": {"engine": {"token": "hush-hush"}}},
        "a.yaml",
    )
    write({"generators": server()["generators"], "judges": {"j": {"rating": {"api_key": "hush-hush"}}}}, "j.yaml")
    for command in (["ablate", "a.yaml", "--dry-run"], ["judge", "one.jsonl", "--judges", "j.yaml"]):
        result = call(*command)
        assert result.exit_code == 2 and "holds a secret" in result.output and "hush-hush" not in result.output


def test_a_secret_in_arguments_of_engines_is_refused():
    with pytest.raises(GeneratorError, match=r"engine\.token holds a secret"):
        Settings("vllm", "m", {"token": "hush-hush"})
    with pytest.raises(BenchError, match=r"model_args\.api_key holds a secret"):
        BenchSettings(model_args={"api_key": "hush-hush"})


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens": 5, "max_completion_tokens": 9, "stop_token_ids": [1], "eos_token": "</s>", "pad_token": "<pad>"},
        {"api_key_env": "MY_KEY", "end_of_turn": "<|im_end|>", "token": True, "key": "prompt"},
        {"phrases": ["the password is", "Basic instructions", "an api key"], "url": "https://host/a?page=2&n=3"},
        {"model": "hf-internal-testing/tiny-random-LlamaForCausalLM", "base_url": "http://localhost:8000/v1"},
    ],
)
def test_what_only_sounds_like_a_secret_is_none(settings):
    assert not list(find_secrets(settings))


def test_every_packaged_recipe_and_config_holds_none():
    files = list(Path(__file__).parents[2].glob("recipes/**/*.yaml"))
    assert len(files) > 10
    for file in files:
        assert not list(find_secrets(yaml.safe_load(file.read_text(encoding="utf-8")))), file


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET http://h/v1?api_key=x&n=1 failed", "GET http://h/v1?api_key=…&n=1 failed"),
        ("https://me:pw@h/v1", "https://…@h/v1"),
        (f"Incorrect key: {KEY}.", "Incorrect key: …."),
        ("Authorization: Bearer abc123def456", "Authorization: …"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_a_text_that_quotes_one_is_masked(text, masked):
    assert mask(text) == masked


def test_the_key_of_a_server_is_in_no_file(there, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    data = server(max_retries=0, timeout=1)
    data["steps"] = [{"answer": {"respond": {"generator": "g"}}}]
    write(data)
    CliRunner().invoke(main, ["run", "recipe.yaml"])
    for file in Path().rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
    assert json.loads(Path("out/set/manifest.json").read_text())["name"] == "set"


@pytest.mark.slow
def test_verify_sends_a_strangers_server_nothing_unless_it_is_trusted(there, monkeypatch):
    """A recipe says where to send which environment variable: that is for those who have read it."""
    monkeypatch.setenv("GITHUB_TOKEN", KEY)
    asked = []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.headers["Authorization"])
            self.send_error(404)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        data = server(base_url=f"http://127.0.0.1:{http.server_port}/v1", api_key_env="GITHUB_TOKEN", max_retries=0)
        data["steps"] = [{"answer": {"respond": {"generator": "g"}}}]
        manifest = json.loads(Path("out/set/manifest.json").read_text())
        Path("out/set/manifest.json").write_text(json.dumps(manifest | {"recipe": data}))
        write(data)
        shown = call("check", "recipe.yaml").output
        untrusted = call("verify", "out/set")
        assert not asked, shown
        call("verify", "out/set", "--trust")
        http.shutdown()
    assert "GITHUB_TOKEN" in shown and str(http.server_port) in shown
    assert untrusted.exit_code == 2 and "--trust" in untrusted.output
    assert asked
