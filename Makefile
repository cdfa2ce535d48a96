# Each target does its own set-up: a virtual environment in .venv with pinned, tested versions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: demo test check check-all docs clean

demo: $(STAMP)  ## unlearn the capitals of Europe in a small model and look whether it forgot
	$(BIN)/unlearn fetch smollm2-135m-instruct
	$(BIN)/python tools/demo.py

test: $(STAMP)  ## the test suite, without what takes minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 -m "not slow and not gpu"

check: $(STAMP)  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check-all: test check  ## everything, the slow tests too
	$(BIN)/unlearn fetch smollm2-135m-instruct
	$(BIN)/python -m pytest -q -m "slow"

docs: $(STAMP)  ## the documentation as a site, in site/
	$(BIN)/python -m mkdocs build --strict

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev --editable .
	@touch $@

clean:
	rm -rf $(VENV) .unlearn site
