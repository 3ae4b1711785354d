# `make demo` and `make test` do all set-up; see README.md.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Packaged data, compiled programs and models made for demos stay inside the checkout.
export RCLICKS_CACHE ?= $(CURDIR)/.cache
# Tests start hundreds of processes; without bytecode each would compile what it imports.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo sample-benchmark check test test-long test-torch test-browser docs tpu tpu-nano soak perf clean

help:
	@echo "make demo              train a small click model and benchmark a segmenter (about 5 minutes)"
	@echo "make sample-benchmark  the same on every object of the sample dataset"
	@echo "make test              all tests but the long ones (5 to 7 minutes on 2 cores)"
	@echo "make test-long         tests that take long for what they add (5 minutes)"
	@echo "make test-torch        tests of PyTorch segmenters, in their own environment (2 minutes)"
	@echo "make test-browser      tests of the pages of rclicks-collect in Chromium (3 minutes)"
	@echo "make check             ruff, pyright, layering"
	@echo "make tpu-nano          small programs compiled for TPUs, on any x86 machine (2 minutes)"
	@echo "make tpu               the real ones, and their table in docs/performance.md (2 hours on 2 cores)"
	@echo "make docs              the docs as a site, in build/site (a minute)"
	@echo "make soak, make perf   long tests; measurements for docs/performance.md"

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; make PYTHON=python3.12 ... chooses one."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@# setuptools warns at length about editable installations.
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[sample,dev]'
	@touch $(READY)

DEMO := runs/demo
demo: $(READY)
	$(BIN)/rclicks-train --config=tiny --workdir=$(DEMO)/click_model
	$(BIN)/rclicks-benchmark --data=sample --segmenter=random_walker --split=val \
	  --config.max_images=2 --click_model=$(DEMO)/click_model/model --workdir=$(DEMO)/benchmark

sample-benchmark: $(READY)
	$(BIN)/rclicks-train --config=tiny --workdir=$(DEMO)/click_model
	$(BIN)/rclicks-benchmark --data=sample --segmenter=random_walker --config.users \
	  --click_model=$(DEMO)/click_model/model --workdir=runs/sample-benchmark

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pyright --pythonpath $(BIN)/python --project pyright-strict.json
	$(BIN)/python -m pytest tests/test_layering.py

# More processes than cores: many tests wait for processes of their own.
test: $(READY)
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not long" tests

test-long: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m long tests

# A worker's environment. Elsewhere than here plain torch brings CUDA; for CPU wheels:
# make test-torch TORCH_PIP='--extra-index-url https://download.pytorch.org/whl/cpu'
# RCLICKS_CHECKOUTS names a folder of segmenters' checkouts; without, their tests are skipped.
TORCH_VENV ?= .venv-torch
TORCH_READY := $(TORCH_VENV)/.ready
TORCH_PIP ?=
$(TORCH_READY): tests/adapters/requirements.txt
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(TORCH_VENV)/bin/python -m pip install --quiet $(TORCH_PIP) -r tests/adapters/requirements.txt \
	  $(if $(RCLICKS_CHECKOUTS),-r tests/adapters/requirements-checkouts.txt)
	@touch $(TORCH_READY)

test-torch: $(READY) $(TORCH_READY)
	$(TORCH_VENV)/bin/python -m pytest -c tests/adapters/pytest.ini -rs tests/adapters
	RCLICKS_TORCH_PYTHON=$(abspath $(TORCH_VENV))/bin/python $(BIN)/python -m pytest -m torch tests

# RCLICKS_CHROMIUM names a Chromium; without, Debian's is used. What is missing is installed where
# that is allowed; where it is not, the tests that need it are skipped and say what they need.
test-browser: $(READY)
	@RCLICKS_CHROMIUM="$$RCLICKS_CHROMIUM" sh tests/install_browser.sh
	RCLICKS_CHROMIUM="$${RCLICKS_CHROMIUM:-$$(command -v chromium)}" \
	  $(BIN)/python -m pytest -rs -n 2 tests/collection/web/page tests/collection/web/test_page_files.py

# The site is read from its files; its search needs `python -m http.server -d build/site`.
DOCS_VENV ?= .venv-docs
DOCS_READY := $(DOCS_VENV)/.ready
$(DOCS_READY): pyproject.toml
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --upgrade pip
	@# The tools alone: modules are read, not imported.
	$(DOCS_VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", \
	  "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' > $(DOCS_VENV)/requirements.txt
	$(DOCS_VENV)/bin/python -m pip install --quiet -r $(DOCS_VENV)/requirements.txt
	@touch $(DOCS_READY)

# One date for all that is written, so that the same docs give the same bytes.
docs: $(DOCS_READY)
	NO_MKDOCS_2_WARNING=1 SOURCE_DATE_EPOCH=0 $(DOCS_VENV)/bin/mkdocs build --strict
	@echo "build/site/index.html"

# The compiler of TPUs, in the version that JAX wants on a TPU. It needs none: programs are compiled
# for a chip by its name, and not run.
TPU_VENV ?= .venv-tpu
TPU_READY := $(TPU_VENV)/.ready
$(TPU_READY): $(READY)
	$(PYTHON) -m venv $(TPU_VENV)
	$(TPU_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(TPU_VENV)/bin/python -m pip install --quiet --no-deps "$$($(BIN)/python -c 'import \
	  importlib.metadata as m; print(next(r.partition(";")[0] for r in m.requires("jax") if \
	  r.startswith("libtpu")))')"
	@touch $(TPU_READY)

COMPILE_FOR_TPU = TPU_LIBRARY_PATH="$$(ls $(CURDIR)/$(TPU_VENV)/lib/python3*/site-packages/libtpu/libtpu.so)" \
  $(BIN)/python tests/tpu/compile_programs.py
tpu: $(TPU_READY)
	$(COMPILE_FOR_TPU)
	$(BIN)/python tests/tpu/pace.py

tpu-nano: $(READY)
	@if $(MAKE) --no-print-directory $(TPU_READY); then $(COMPILE_FOR_TPU) --nano; \
	  else echo "make tpu-nano: skipped, since pip could not install libtpu (its reason is above)"; fi

# RCLICKS_ORIGINAL names a checkout of emb-ai/rclicks and RCLICKS_TORCH_PYTHON an interpreter with
# torch and what the original imports (tests/soak/beside_the_original.py says which); without, the
# comparison with the original is skipped.
soak: $(READY)
	$(BIN)/python -m pytest -rs tests/soak
	RCLICKS_EXAMPLES=default $(BIN)/python -m pytest -n 2 -m hypothesis tests

# RCLICKS_TORCH_PYTHON names an interpreter with torch and NumPy to compare with.
perf: $(READY)
	$(BIN)/python tests/perf/measure.py
	$(BIN)/python tests/perf/start.py
	$(BIN)/python tests/perf/device_draws.py
	$(BIN)/python tests/perf/accelerator.py
	$(BIN)/python tests/perf/rounds.py
	$(BIN)/python tests/perf/two_passes.py
	$(BIN)/python tests/perf/overhead.py
	$(BIN)/python tests/perf/click_models.py
	$(BIN)/python tests/perf/input.py
	$(BIN)/python tests/perf/input.py --hosts=16,4
	$(BIN)/python tests/perf/checkpoints.py
	$(BIN)/python tests/perf/click_prediction.py
	$(BIN)/python tests/perf/evaluation.py
	$(BIN)/python tests/perf/network.py
	$(BIN)/python tests/perf/bridge.py
	$(BIN)/python tests/perf/collect_load.py
	$(if $(RCLICKS_TORCH_PYTHON),$(BIN)/python tests/perf/segmenter_batch.py $(RCLICKS_TORCH_PYTHON))
	$(if $(RCLICKS_TORCH_PYTHON),$(BIN)/python tests/perf/end_to_end.py $(RCLICKS_TORCH_PYTHON))

clean:
	rm -rf $(VENV) $(TORCH_VENV) $(DOCS_VENV) $(TPU_VENV) build/site .cache .pytest_cache .ruff_cache .hypothesis
