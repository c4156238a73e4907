# Two commands do everything on a machine that has Python 3.11 and make:
#   make demo   runs the sample night against the embedded sandbox, twice, and a night of EDI
#   make test   runs all tests
# Both make their own virtual environment in .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# One more than two cores: many tests wait for a process or a server, and so overlap.
WORKERS ?= 3
# Compiled modules are kept even where the environment says not to: the tests start many processes,
# and each would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test thorough check fix docs clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make check  ruff, mypy, import-linter, docs"
	@echo "make fix    lets ruff format and fix"
	@echo "make docs   writes the generated pages again"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Stamps: the environment is made anew when its lists change, and not otherwise.
$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) install --constraint constraints.txt --editable '.[test,check]'
	touch $@

demo: $(VENV)/.run
	$(BIN)/pipeline demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

thorough: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m thorough

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.docs --check

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev
	$(BIN)/python -m tests.docs --write

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
