from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.command import DUMPS, GOOD, recipe
from tests.conftest import rows


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_jsonl("one.jsonl", rows(GOOD))
    write_recipe(recipe())
    return tmp_path


@pytest.fixture
def dumps(there, write_recipe):
    write_recipe(DUMPS)
    Path("dumps").mkdir()
    return there / "dumps"
