# `make demo` and `make test` set up what they need in .venv and do the rest. Needs Python 3.11 or newer, and make.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3 python; do \
            $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
OUT    ?= out/demo
TESTS  ?= tests

.PHONY: demo test lint bench wheel torch clean

demo: $(VENV)/.demo
	$(BIN)/fixturesynth demo --out $(OUT)

# One file or several: make test TESTS=tests/test_dataset.py
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

wheel: $(VENV)/.dev
	rm -rf build/wheel
	$(PIP) wheel --quiet --no-deps --wheel-dir build/wheel .
	$(BIN)/python .ci/wheel.py build/wheel

# No command needs torch. Its CPU build is small; the default build for Linux brings CUDA.
torch: $(VENV)/.demo
	$(PIP) install torch --index-url https://download.pytorch.org/whl/cpu

$(VENV)/.pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name it: make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip
	touch $@

$(VENV)/.demo: $(VENV)/.pip pyproject.toml
	$(PIP) install --quiet -e ".[demo]"
	touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml
	$(PIP) install --quiet -e ".[dev]"
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
