# The page of the review is built at installation, and again when its sources change.
PAGE := $(shell find src/orbicyte/review/web/src src/orbicyte/review/web/*.json src/orbicyte/review/web/*.mjs -type f)
# Each target installs what it needs in .venv. Needs Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Where tests on real images find them; without them, these tests are skipped, with a message.
ifneq ($(wildcard ../shared/data),)
export ORBICYTE_DATA ?= $(abspath ../shared/data)
endif

.PHONY: install demo test check docs benchmark

install: $(STAMP) $(VENV)/page

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/page: $(STAMP) $(PAGE)
	$(BIN)/python setup.py --quiet build_front_end
	touch $@

demo: install
	$(BIN)/orbicyte demo --out demo

test: install
	$(BIN)/python -m pytest -n 2 --dist loadscope

check: install docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation in site/index.html; a dead link is an error.
docs: install
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs site

benchmark: install
	$(BIN)/python benchmarks/batch_share.py
	$(BIN)/python benchmarks/harmonic_speed.py
	$(BIN)/python benchmarks/detection_speed.py
	$(BIN)/python benchmarks/cut_speed.py
	$(BIN)/python benchmarks/review_frames.py
