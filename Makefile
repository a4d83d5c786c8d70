# Every job of the project. `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PYTHON ?= python3

.PHONY: help
help: ## List the jobs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(INSTALLED) ## Create .venv with everything the daemon and its tests need from PyPI

# The stamp is newer than what it was made from, so a second call does nothing.
$(INSTALLED): pyproject.toml constraints.txt
	@.ci/system-packages python
	@echo "Installing into $(VENV). torch brings its CUDA libraries: about 5 GB and some minutes the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,parquet]'
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## Run the whole pipeline on real bundled data, with a live page; needs no service
	@$(BIN)/streamer demo

# A worker is a core: torch's own threads would only wait for one another there.
test test-faults test-gpu: export OMP_NUM_THREADS := 1

.PHONY: test
test: $(INSTALLED) ## Run the tests; installs Kafka's, Prometheus' and the browser's packages by apt where it may
	@.ci/system-packages tests
	@$(BIN)/python -m pytest -m 'not faults' -n auto --maxprocesses 4 --dist loadfile

.PHONY: test-faults
test-faults: $(INSTALLED) ## Kill daemons and brokers for many minutes, and compare what is left with an undisturbed run
	@.ci/system-packages tests
	@$(BIN)/python -m pytest -m faults

.PHONY: test-gpu
test-gpu: $(INSTALLED) ## Run the tests of the device that state lives on: a GPU where there is one, else the CPU
	@$(BIN)/python -m pytest -m device

.PHONY: lint
lint: $(INSTALLED) ## Check style, format, types and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: check
check: lint test ## What CI runs: lint, then test

.PHONY: format
format: $(INSTALLED) ## Rewrite the code in the one format
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

.PHONY: bench
bench: $(INSTALLED) ## Measure readings per CPU second, stage by stage
	@.ci/system-packages tests
	@$(BIN)/python benchmarks/bench_throughput.py

.PHONY: bench-checkpoint
bench-checkpoint: $(INSTALLED) ## Measure how long a checkpoint holds up the engine, and how fast it is written and read
	@$(BIN)/python benchmarks/bench_checkpoint.py

.PHONY: bench-recovery
bench-recovery: $(INSTALLED) ## Measure how long it takes from a kill to the first result
	@.ci/system-packages tests
	@$(BIN)/python benchmarks/bench_recovery.py

.PHONY: bench-forecast
bench-forecast: $(INSTALLED) ## Measure how well unseen real series are forecast; STREAMER_DATA names their folder
	@$(BIN)/python benchmarks/bench_forecast.py

.PHONY: bench-accuracy
bench-accuracy: $(INSTALLED) ## Measure how well labelled events of real files are found; STREAMER_DATA names their folder
	@$(BIN)/python benchmarks/bench_accuracy.py

.PHONY: bench-cells
bench-cells: $(INSTALLED) ## Measure what each cell is worth at equal parameters, and what it costs
	@$(BIN)/python benchmarks/bench_cells.py

.PHONY: bench-device
bench-device: $(INSTALLED) ## Measure what a GPU is worth beside one core of its machine
	@$(BIN)/python benchmarks/bench_device.py

.PHONY: bench-explanations
bench-explanations: $(INSTALLED) ## Measure how often an explanation names the channel at fault, by kind and size of fault
	@$(BIN)/python benchmarks/bench_explanations.py

.PHONY: bench-calibration
bench-calibration: $(INSTALLED) ## Measure whether the budget of alarms is kept, and how soon a change is found
	@$(BIN)/python benchmarks/bench_calibration.py

.PHONY: pretrained
pretrained: $(INSTALLED) ## Train the shipped weights again, from their seed: one artifact a core at a time
	@$(BIN)/python -c 'from models.training.pretrain import RECIPES; print(*RECIPES)' | \
		xargs -n 1 -P "$$(nproc)" env OMP_NUM_THREADS=1 $(BIN)/python -m streamer.training.pretrained --only

.PHONY: gradients
gradients: $(INSTALLED) ## Measure how gradients travel through time, for docs/gradients.md; LAGS="400 2000" runs those alone
	@$(BIN)/python -m docs.gradients $(if $(LAGS),lags --lags $(LAGS) --steps $(or $(STEPS),500))

.PHONY: docs
docs: $(INSTALLED) ## Write again what is generated: metrics page, dashboard, pictures, parts of the README
	@$(BIN)/python -m streamer.metrics_reference > docs/metrics.md
	@$(BIN)/python -m config.grafana.build > config/grafana/dashboards/streamer.json
	@$(BIN)/python -m docs.water_flow
	@$(BIN)/python -m docs.gradients --write
	@$(BIN)/python -m docs.streams
	@$(BIN)/python -m docs.detection
	@$(BIN)/python -m docs.readme_parts

.PHONY: clean
clean: ## Remove everything that was built, .venv and caches included
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
