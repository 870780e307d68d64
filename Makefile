# Each target sets up what it needs in .venv. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
ARGS ?=
unexport PYTHONDONTWRITEBYTECODE # or each process would compile all of Liaison anew

.DEFAULT_GOAL := help
.PHONY: help setup demo run dev test test-browser test-live coverage check docs bench sbom clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

$(VENV)/.run: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up Liaison in $(VENV) (about a minute the first time)" >&2
	@$(PIP) install --quiet --constraint constraints.txt --editable . >&2
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]' >&2
	@touch $@

setup: $(VENV)/.run ## install Liaison into .venv

demo: $(VENV)/.run ## the sample town: everything Liaison does, then its desk (ARGS=--once: without the desk)
	@$(BIN)/liaison demo $(ARGS)

run: $(VENV)/.run ## the desk, with what liaison.toml and the environment say
	@$(BIN)/liaison run $(ARGS)

ROOMS := config networks listeners sentiment posts scheduler web
dev: $(VENV)/.dev ## the sample town's desk as it was left, started again when a file of it changes
	@$(BIN)/watchmedo auto-restart --recursive $(ROOMS:%=--directory %) --patterns '**/*.py;**/*.html;**/*.css;**/*.js;**/*.po;**/*.json' \
		--signal SIGTERM --kill-after 12 --debounce-interval 0.5 -- $(BIN)/liaison demo --keep $(ARGS)

test: $(VENV)/.dev ## unit tests, on SQLite and on PostgreSQL
	@$(BIN)/pytest -n auto --dist worksteal -m "not browser and not live" $(ARGS)

test-browser: $(VENV)/.dev ## pages in a real browser (Debian's chromium)
	@$(BIN)/pytest -n 2 -m browser tests/browser $(ARGS)

test-live: $(VENV)/.dev ## on real network servers on loopback (the first time installs them, two minutes)
	@$(BIN)/python -m tests.live.installed
	@$(BIN)/pytest -m live tests/live $(ARGS)

coverage: $(VENV)/.dev ## unit tests, and which lines no test runs (.bench/coverage/index.html)
	@$(BIN)/pytest -n auto --dist worksteal -m "not browser and not live" --cov --cov-report=term:skip-covered --cov-report=html:.bench/coverage $(ARGS)

docs: $(VENV)/.dev ## the documentation as a site, in .site; warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Open .site/index.html"

check: $(VENV)/.dev ## style, types, floors of the house, known mistakes of security
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/bandit -q -c pyproject.toml -r cli.py config listeners networks posts scheduler sentiment web deploy

bench: $(VENV)/.dev ## measure; benchmarks/RESULTS.md says what came out
	@$(BIN)/python -m benchmarks $(ARGS)

sbom: $(VENV)/.dev ## the bill of materials of what runs (CycloneDX), in liaison-sbom.json
	@$(BIN)/python -m deploy.materials liaison-sbom.json

clean: ## remove what was installed and the sample town
	rm -rf $(VENV) .venv-training .bench .site demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis
