# make demo   on a machine with only Python, git and make: install, emulate AWS, deploy the example tenants, show them
# make test   the whole test suite
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# Processes that run tests: one more than two cores, since tests of time-outs and downloads wait.
WORKERS ?= 3
# Runs a long step: says what it does, how far it is, and how to mend it.
STEP := $(BIN)/python tools/step.py
# The project's own Python, Node and tools come first; nothing else needs to be on PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Extras are kept: pip would look for `coverage[toml]` on the index where the lock names `coverage` alone.
COMPILE = $(BIN)/uv pip compile --quiet $(ARGS) --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-header

.PHONY: help install debian demo test check lint types pages format schema snapshots lock bench clean costs api

help:
	@sed -n 's/^# make/make/p' Makefile

# Both stamps are newer than what they were made from, or the step runs again.
install: .make/python .make/node

.make/python: requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "install: Python: not found, got $(PYTHON); install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "install: Python: 3.11 or newer is needed, got %d.%d; name one: make PYTHON=/path/to/python3.11 ..." % sys.version_info[:2])'
	@# A folder that was made by half has no pip.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && "$(PYTHON)" tools/step.py "making .venv/" -- "$(PYTHON)" -m venv .venv; }
	@total=$$(grep -c '^[a-zA-Z0-9].*==' requirements.lock) && $(STEP) --total "$$total" "installing $$total Python packages into .venv/ (2.0 GB)" -- \
		$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --no-deps --require-hashes -r requirements.lock
	@$(STEP) "checking that the packages fit together" -- $(BIN)/python -m pip check
	@$(STEP) "installing the project itself" -- \
		$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

.make/node: package.json package-lock.json .make/python
	@$(STEP) "installing the CDK CLI and other npm packages into node_modules/ (110 MB)" -- $(BIN)/npm ci --loglevel=error --no-audit --no-fund
	@# Compiles what an optimised run imports, and so shows that the installation works.
	@PYTHONDONTWRITEBYTECODE= CDK_OUTDIR=.make/cdk.out $(STEP) "trying it: synthesizing the example tenants" -- $(BIN)/python -O app.py
	@mkdir -p .make && touch $@

# ClamAV scans the demo's mail; where it cannot be installed, the demo goes on without.
demo: install
	-@tests/debian.sh
	@$(BIN)/python -m demo

# make debian what tests need of Debian: name servers, a browser, ClamAV, builders; as root or with sudo
debian: .make/debian

.make/debian: tests/debian.sh
	@tests/debian.sh
	@mkdir -p .make && touch $@

# make api    the e-mail settings API on loopback, with an emulator behind it, until Ctrl-C
api: install
	@$(BIN)/python -m emulator.api $(ARGS)

# Tests start hundreds of processes: what each imports is compiled once, also where the environment says otherwise, as in containers.
test check: export PYTHONDONTWRITEBYTECODE :=

# make test ARGS='-k dns' runs a part; ARGS='-m thorough' what takes minutes a test, before a release; WORKERS=9 on eight cores
test: install debian
	@tests/tmpdir.sh $(BIN)/pytest -n $(WORKERS) --cov --cov-report= --cov-fail-under=0 $(ARGS)
	@# A part covers a part.
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

# make check  before a commit: lint, types, and the tests that are quick and start no server; ARGS='-k dns' for a part
check: lint types
	@$(BIN)/pytest -q -n 2 --offline -m "not slow and not thorough" $(ARGS)

# make lint   style, import direction, the lock files' agreement
lint: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

# make types  mypy --strict
types: install
	@$(BIN)/mypy

# make pages  the documents and the pages of the API as a site in .make/site/; a warning is an error
pages: install
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# make format rewrites the code in the project's style
format: install
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# make schema rewrites tenants.schema.json from the config's models, and the API's OpenAPI document from its routes
schema: install
	@$(BIN)/python -m email_stack.config.schema
	@$(BIN)/python -m email_stack.settings.openapi

# make costs   rewrites the tables of docs/cost.md from the templates and AWS's prices
costs: install
	@$(BIN)/python -m email_stack.costs

# make snapshots rewrites the templates that tests compare with: read their diff
snapshots: install
	@$(BIN)/pytest -n 2 tests/stacks --snapshot-update

# make bench  synthesis beside plain CDK apps; DNS checks, scans and reading mail beside others; several minutes
bench: install debian
	@cd benchmarks/typescript && ../../$(BIN)/npm ci --silent --no-audit --no-fund
	@$(BIN)/python -m benchmarks.synth
	@$(BIN)/python -O -m benchmarks.dns
	@$(BIN)/python -O -m benchmarks.scan
	@$(BIN)/python -O -m benchmarks.recall
	@$(BIN)/python -O -m benchmarks.neighbours
	@$(BIN)/python -O -m benchmarks.messages
	@$(BIN)/python -m benchmarks.store
	@$(BIN)/python -m venv --clear .make/replies
	@.make/replies/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	@$(BIN)/python -O -m benchmarks.replies --others .make/replies/bin/python

# make lock   settles the lock files after a change of pyproject.toml or package.json; ARGS=--upgrade takes new releases
lock: install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(COMPILE) --all-extras --group dev pyproject.toml --output-file requirements.lock
	@$(COMPILE) --group image --output-file mailroom/image/requirements.lock
	@# Both have the releases that a tenant's code is made of: its hash is the same there as here.
	@$(COMPILE) --constraint requirements.lock --group api --output-file email_stack/settings/requirements.lock
	@$(COMPILE) --constraint requirements.lock --group synthesis --output-file email_stack/deploying/requirements.lock
	@$(COMPILE) --group replies --output-file benchmarks/requirements.lock
	@$(BIN)/npm $(if $(findstring --upgrade,$(ARGS)),update,install) --package-lock-only --silent

# make clean  removes all that was installed or made
clean:
	rm -rf .venv .make node_modules cdk.out build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
