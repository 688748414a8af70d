# Every target sets up what it needs in .venv; nothing has to be installed by hand.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt

.PHONY: lima1k test lint format bench clean

lima1k: $(VENV)/lima1k.ok  ## the main job: a set of exactly 1,000 rows, offline
	$(BIN)/curate run recipes/lima1k.yaml

test: $(VENV)/test.ok  ## all tests, doctests and the README's examples
	$(BIN)/python -m pytest -q

lint: $(VENV)/dev.ok  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev.ok
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/test.ok  ## speed and memory, one table each
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) out build *.egg-info

$(VENV)/%.ok: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[$*]'
	touch $@
