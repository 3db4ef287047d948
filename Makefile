# Every verb a developer or CI needs. `make run` and `make test` set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

.DEFAULT_GOAL := help
.PHONY: help setup run test check fmt bench bench-scale bench-import lock clean

help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(STAMP)  ## install everything into .venv (leaves .venv/bin/leadrail ready)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Leadrail needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)  ## start the server with its embedded database and demo data
	$(BIN)/leadrail demo

check: $(STAMP)  ## lint, formatting, strict types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## everything that CI runs
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

fmt: $(STAMP)  ## format and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## the speed table, written to bench/results/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	$(BIN)/python -m bench

bench-scale: $(STAMP)  ## how it does with many leads: make bench-scale LEADS=10000000 (200,000 when left out)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	$(BIN)/python -m bench.scale --leads $(or $(LEADS),200000)

bench-import: $(STAMP)  ## an import beside COPY of the same rows: make bench-import ROWS=1000000 (100,000 when left out)
	$(BIN)/python -m bench.importing --rows $(or $(ROWS),100000)

lock:  ## renew requirements.lock and bench/requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --extra dev --extra bench pyproject.toml -o bench/requirements.lock

clean:  ## remove what setup and tests made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
