# Each target does all set-up itself, in .venv. Needs Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Tests on real images find them here; they skip, saying so, where there are none.
ifneq ($(wildcard ../shared/data),)
export ORBICYTE_DATA ?= $(abspath ../shared/data)
endif

.PHONY: install demo test check benchmark

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/orbicyte demo --out demo

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: $(STAMP)
	$(BIN)/python benchmarks/batch_share.py
	$(BIN)/python benchmarks/harmonic_speed.py
