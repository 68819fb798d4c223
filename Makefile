# `make demo` and `make test` set up what they need in .venv and do the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint bench torch clean

demo: $(VENV)/.demo
	$(BIN)/fixturesynth demo --out out/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/rules.py
	$(BIN)/python benchmarks/loading.py
	$(BIN)/python benchmarks/road.py

# Only training the network needs torch. Its CPU build is small; the default build on Linux brings CUDA.
torch: $(VENV)/.demo
	$(BIN)/pip install torch --index-url https://download.pytorch.org/whl/cpu

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	touch $@

$(VENV)/.demo: $(VENV)/.pip pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[demo]"
	touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
