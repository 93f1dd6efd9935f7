# Two commands do it all: `make train` and `make test`. Both set up what is missing and leave finished work alone.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
SET    ?= synth36
PRESET ?= tiny
DATA   := data/$(SET)_$(PRESET)/test.h5
EXPERIMENT ?= ablation_depth
ARGS   ?=
SHARE  ?= 1

.DEFAULT_GOAL := help
.PHONY: help train bench sweep notebook test torture data setup lint clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

train: setup data ## train, evaluate and show a network on the tiny data set (ARGS="key=value ..." to change it)
	$(RUN) -m c2fpose.train $(if $(filter-out synth36,$(SET)),data=$(SET)) data.preset=$(PRESET) $(ARGS)

bench: setup data ## time training and inference beside a plain port; the page is docs/benchmark.md (ARGS="scale=paper")
	$(RUN) -m c2fpose.bench data.preset=$(PRESET) $(ARGS)

sweep: setup data ## run an experiment's table (EXPERIMENT=ablation_depth, ARGS="seeds=[0,1,2]"); goes on where it stopped
	$(RUN) -m c2fpose.train +experiment=$(EXPERIMENT) data.preset=$(PRESET) $(ARGS)

notebook: $(VENV)/notebook data ## execute notebooks/ anew on the newest network of make train
	$(RUN) scripts/run_notebooks.py

test: setup ## run the tests (all but those that need a GPU)
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 -m "not gpu" $(ARGS)

torture: setup ## kills at 50 random moments and 10,000 damaged files of each kind: hours (SHARE=0.1: a tenth)
	C2FPOSE_TORTURE=$(SHARE) OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 -m torture $(ARGS)

data: $(DATA) ## make the synthetic people (SET=synth36 or synth_wild, PRESET=tiny, small or full)

$(DATA): | setup
	$(RUN) -m c2fpose.data.$(SET) preset=$(PRESET) workers=2

setup: $(VENV)/installed ## make .venv and install the package under the constraints

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[test,dev]'
	touch $@

$(VENV)/notebook: $(VENV)/installed
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[notebook]'
	touch $@

lint: setup ## check style, and that nothing imports from a folder above its own
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(VENV)/bin/lint-imports --no-cache

clean: ## remove runs and made data, keep .venv
	rm -rf runs data .pytest_cache
