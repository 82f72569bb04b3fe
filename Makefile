# Nothing here needs root. What is missing on the machine is said first, in one line to copy.
#
# PYTHON=…      a Python 3.11 to 3.13 of your choice (else the newest found)
# HOST=…        this machine's address in the local network: its phones may then call in
# QUICK=1 ONLY=W1,W2   for `make bench`: four minutes, or some works
# PRIMELINE_ASTERISK=tree   fetch Asterisk even though one is installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
MAKEFLAGS += --no-print-directory

PREFLIGHT := python3 -I primeline/preflight.py
PIP := -m pip install --disable-pip-version-check --progress-bar off --require-hashes
# One line for each package; errors come by the other way.
PIP_SHOWS := sed --unbuffered --quiet 's/^Collecting \([^=]*\)==\([^ ]*\).*/  \1 \2/p'
SELF := -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
VENV := .venv
BIN := $(VENV)/bin
TREE := .asterisk
SIPP := .sipp
# Some shells export HOST as the machine's name; only an address is one.
export PRIMELINE_HOST := $(shell echo "$(HOST)" | grep -xE '[0-9]+(\.[0-9]+){3}' || true)
PROMPTS := .primeline/prompts

.PHONY: help demo up test faults bench check setup asterisk sipp prompts twilio requirements clean distclean missing preflight

help: ## list what can be made
	@echo "make …"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: asterisk ## set up all that is needed and show paid calls with real SIP phones (JSON=1, KEEP=1, HOST=<lan address>)
	@# Twilio's scene is left out where there is no npm, or no way to its registry.
	@npm_config_fetch_retries=0 $(BIN)/python -m primeline.fake_twilio.fetch 2>/dev/null || true
	@$(BIN)/python -m primeline demo

up: setup ## set up and run the whole system in this terminal
	@$(BIN)/python -m primeline up

test: $(VENV)/.test asterisk sipp twilio ## install what the tests need and run them all
	@$(PREFLIGHT) oldest | while read version python; do \
		$(MAKE) .venv-$$version/.test PYTHON="$$python" </dev/null && \
		echo "Python $$version: unit and property tests" && \
		.venv-$$version/bin/python -m pytest -n auto tests/unit tests/property </dev/null || exit 1; \
	done
	@echo "$$($(BIN)/python --version): unit, property, database and API tests"
	@$(BIN)/python -m pytest -n auto tests/unit tests/property tests/database tests/web
	@echo "$$($(BIN)/python --version): calls on a real Asterisk with real phones"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -p no:randomly tests/calls
	@echo "$$($(BIN)/python --version): a short campaign of faults"
	@$(BIN)/python -m pytest tests/faults

faults: $(VENV)/.test asterisk ## kill parts of a running system while calls go on, and judge everybody's money (MINUTES=15, SEED=…)
	@$(BIN)/python -m tests.faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

bench: sipp asterisk ## measure it all, each thing beside its baseline (QUICK=1: four minutes, ONLY=W1,W2)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

check: $(VENV)/.test ## lint, types, who imports whom, migrations
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache | tail -n 2
	@$(BIN)/python -m primeline.with_postgres $(BIN)/alembic upgrade head then $(BIN)/alembic check

setup: prompts ## virtual environment, Asterisk, prompts

asterisk: $(VENV)/.demo ## fetch Asterisk from Debian, unless one is installed
	@$(BIN)/python -m primeline.asterisk_fetch $(TREE)

twilio: $(VENV)/.demo ## fetch Twilio's OpenAPI files, which the fake Twilio knows it by
	@command -v npm >/dev/null || $(BIN)/python $(PIP) -r requirements/npm.txt | $(PIP_SHOWS)
	@$(BIN)/python -m primeline.fake_twilio.fetch

sipp: $(VENV)/.test ## fetch SIPp from Debian for the tests, unless it is installed
	@$(BIN)/python -m primeline.sipp_fetch $(SIPP)

prompts: asterisk ## render the spoken sentences that are missing
	@$(BIN)/python -m dialplan.prompts --directory $(PROMPTS) --tree $(TREE)

requirements: $(VENV)/.test ## pin the newest versions of all requirements, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@for name in run demo test; do \
		case $$name in run) in= ;; demo) in=requirements/demo.in ;; \
			test) in="requirements/demo.in requirements/test.in" ;; esac; \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-header --no-emit-index-url --no-emit-find-links pyproject.toml $$in \
			--output-file requirements/$$name.txt || exit 1; \
	done
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links requirements/npm.in \
		--output-file requirements/npm.txt

clean: ## remove caches and the data of demos; what `make up` keeps stays
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .primeline/demo-* .primeline/bench-* call.wav
	@find . -name __pycache__ -not -path './.venv*' -not -path './.asterisk/*' -not -path './.sipp/*' -prune -exec rm -rf {} +

distclean: clean ## remove also the virtual environments, Asterisk, SIPp and Twilio's files; what `make up` keeps stays
	@rm -rf .venv .venv-3.* $(TREE) $(TREE).lock $(SIPP) $(SIPP).lock .twilio
	@if [ -e .primeline ]; then echo "Kept: .primeline, the data of make up, with everybody's money." \
		"To delete it for ever: rm -rf .primeline"; fi

preflight:
	@command -v python3 >/dev/null || { echo "Something is missing on this machine. Install it and start again:"; \
		echo "  sudo apt-get install -y python3-venv mmdebstrap"; exit 1; } >&2
	@$(PREFLIGHT) check

missing: ## print the apt line for what is missing on this machine, if anything is
	@command -v python3 >/dev/null || echo "apt-get install -y python3-venv mmdebstrap"
	@! command -v python3 >/dev/null || $(PREFLIGHT) missing

$(VENV)/bin/python: | preflight
	@python="$$($(PREFLIGHT) python)" && echo "Virtual environment with $$("$$python" --version)" && \
		"$$python" -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the requirements (requirements/demo.txt, pinned by hash)"
	@$(BIN)/python $(PIP) -r requirements/demo.txt | $(PIP_SHOWS)
	@$(BIN)/python $(SELF)
	@touch $@

$(VENV)/.test: requirements/test.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the tests need (requirements/test.txt, pinned by hash)"
	@$(BIN)/python $(PIP) -r requirements/test.txt | $(PIP_SHOWS)
	@$(BIN)/python $(SELF)
	@touch $@ $(VENV)/.demo

.venv-3.%/.test: requirements/test.txt
	@echo "Virtual environment .venv-3.$* for its tests"
	@"$(PYTHON)" -m venv .venv-3.$*
	@.venv-3.$*/bin/python $(PIP) -r requirements/test.txt | $(PIP_SHOWS)
	@touch $@
