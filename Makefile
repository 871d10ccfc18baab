# make demo   on a machine with only Python, git and make: install, emulate AWS, deploy the example tenants, show them
# make test   the whole test suite
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# The project's own Python, Node and tools come first; nothing else needs to be on PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install debian demo test lint types format schema snapshots lock bench clean

help:
	@sed -n 's/^# make/make/p' Makefile

# Both stamps are newer than what they were made from, or the step runs again.
install: .make/python .make/node

.make/python: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	@echo "installing Python packages into .venv/"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

.make/node: package.json package-lock.json .make/python
	@echo "installing the CDK CLI into node_modules/"
	@$(BIN)/npm ci --silent --no-audit --no-fund
	@# Compiles what an optimised run imports, and so shows that the installation works.
	@PYTHONDONTWRITEBYTECODE= CDK_OUTDIR=.make/cdk.out $(BIN)/python -O app.py
	@mkdir -p .make && touch $@

# ClamAV scans the demo's mail; where it cannot be installed, the demo goes on without.
demo: install
	-@tests/debian.sh
	@$(BIN)/python -m emulator.demo

# make debian what tests need of Debian: name servers, a browser, ClamAV, builders; as root or with sudo
debian: .make/debian

.make/debian: tests/debian.sh
	@tests/debian.sh
	@mkdir -p .make && touch $@

# make test ARGS='-k dns' runs a part
test: install debian
	@$(BIN)/pytest -n 2 --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report

# make lint   style, import direction, the lock files' agreement
lint: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

# make types  mypy --strict
types: install
	@$(BIN)/mypy

# make format rewrites the code in the project's style
format: install
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# make schema rewrites tenants.schema.json from the config's models
schema: install
	@$(BIN)/python -m email_stack.config.schema

# make snapshots rewrites the templates that tests compare with: read their diff
snapshots: install
	@$(BIN)/pytest -n 2 tests/stacks --snapshot-update

# make bench  synthesis beside plain CDK apps; DNS checks, scans and reading mail beside others; several minutes
bench: install debian
	@cd benchmarks/typescript && $(CURDIR)/$(BIN)/npm ci --silent --no-audit --no-fund
	@$(BIN)/python -m benchmarks.synth
	@$(BIN)/python -O -m benchmarks.dns
	@$(BIN)/python -O -m benchmarks.scan
	@$(BIN)/python -O -m benchmarks.messages

# make lock   resolves requirements.lock and package-lock.json anew
lock: install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group dev pyproject.toml --output-file requirements.lock
	@$(BIN)/npm install --package-lock-only --silent

# make clean  removes all that was installed or made
clean:
	rm -rf .venv .make node_modules cdk.out build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
