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
.NOTPARALLEL: # one installation at a time
.PHONY: help train model bench sweep notebook test test-oldest torture gpu curve data setup lint docs house clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

train: setup data ## train, evaluate and show a network on the tiny data set (ARGS="key=value ..." to change it)
	$(RUN) -m c2fpose.train $(if $(filter-out synth36,$(SET)),data=$(SET)) data.preset=$(PRESET) $(ARGS)

model: setup ## train a network like the one in the package from nothing, and put it there (hours; goes on where it stopped)
	$(RUN) -m c2fpose.data.synth36 preset=small workers=2
	$(RUN) -m c2fpose.data.synth_wild preset=medium workers=2
	$(call part,builtin_64)
	$(call part,builtin_96)
	$(RUN) -m c2fpose.weights runs/builtin_96/checkpoints/final.ckpt half=true out=src/c2fpose/model/builtin/people.safetensors
	$(RUN) scripts/model_card.py

# One training of the network in the package: left alone if finished, gone on with if stopped
part = test -f runs/$(1)/checkpoints/final.ckpt || $(RUN) -m c2fpose.train +experiment=$(1) run_dir=runs/$(1) resume=auto

bench: $(VENV)/has-export data ## time training and inference beside a plain port; the page is docs/benchmark.md (ARGS="scale=paper")
	$(RUN) -m c2fpose.bench data.preset=$(PRESET) $(ARGS)

sweep: $(VENV)/has-sweep data ## run an experiment's table (EXPERIMENT=ablation_depth, ARGS="seeds=[0,1,2]"); goes on where it stopped
	$(RUN) -m c2fpose.train +experiment=$(EXPERIMENT) data.preset=$(PRESET) $(ARGS)

notebook: $(VENV)/has-notebook data ## execute notebooks/ again on the newest network of make train
	$(RUN) scripts/run_notebooks.py

test: $(VENV)/has-test ## run the tests (all but those that need a GPU)
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist worksteal -m "not gpu" $(ARGS)

torture: $(VENV)/has-test ## kills at 50 random moments and 10,000 damaged files of each kind: hours (SHARE=0.1: a tenth)
	C2FPOSE_TORTURE=$(SHARE) OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 -m torture $(ARGS)

test-oldest: ## run the tests with the oldest versions that pyproject.toml admits (KEEP="torch ...": not of these)
	$(PYTHON) scripts/oldest_versions.py $(KEEP) > $(VENV)-oldest.txt
	test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --constraint $(VENV)-oldest.txt --editable '.[test]'
	OMP_NUM_THREADS=1 $(VENV)-oldest/bin/python -m pytest -n 2 --dist worksteal -m "not gpu" $(ARGS)

gpu: $(VENV)/has-test ## on a machine with a GPU: its tests, the benchmark at all scales, five minutes of training; docs/gpu.md
	$(RUN) scripts/gpu_page.py $(ARGS)

curve: setup data ## validation error against minutes for ten sizes; the page is docs/sizes.md (ARGS="minutes=6")
	$(RUN) scripts/size_curves.py $(ARGS)

data: $(DATA) ## make the synthetic people (SET=synth36, PRESET=few, tiny, small or full; SET=synth_wild, also 10k and medium, not few)

$(DATA): | setup
	$(RUN) -m c2fpose.data.$(SET) preset=$(PRESET) workers=2

setup: $(VENV)/installed ## make .venv and install what training needs, under the constraints

$(VENV)/installed: pyproject.toml constraints.txt
	$(call install,.)
	touch $@

# More for tests, notebooks, style: extras of pyproject.toml
$(VENV)/has-%: pyproject.toml constraints.txt
	$(call install,.[$*])
	touch $(VENV)/installed $@

define install
	@echo 'Installing into $(VENV): minutes without a word, some 2 GB (with CUDA more); once'
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --no-compile --constraint constraints.txt --editable '$(1)'
	@# on all cores, as pip would on one; files that are no Python of this version are left
	$(RUN) -m compileall -qq -j 0 $(VENV)/lib src || true
endef

lint: $(VENV)/has-dev ## check style, types, and that nothing imports from a folder above its own
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(VENV)/bin/lint-imports --no-cache
	$(RUN) -m ruff check --preview --select PLW1514 src scripts # text files have an encoding, the same on every system
	$(RUN) -m mypy

docs: $(VENV)/has-docs ## the docs as a site in site/; a dead link ends it
	$(RUN) -m mkdocs build --strict

house: $(VENV)/has-dev ## draw docs/house.md from the imports
	$(RUN) scripts/draw_house.py

clean: ## remove runs and made data, keep .venv
	rm -rf runs data site .pytest_cache .mypy_cache
