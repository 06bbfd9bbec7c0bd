# Needs make, a Python and the network; everything else it gets itself, into .venv and .build of this folder.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3.13
ARCH ?= x86_64
DATA ?=

VENV := .venv
PYTHON_VENV := $(VENV)/bin/python
# A third of a test's time is spent waiting for the processes that it starts: three workers for two cores.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))
# A file of tests is one worker's, so that what it shares is made once; in the order of tests/conftest.py, not by their number.
BY_FILE := --dist loadfile --no-loadscope-reorder
LIGHT := $(VENV)/.light
READY := $(VENV)/.ready
LOCK := $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.13 --python-platform linux
SAM := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/sam

SCAN := .build/scan
SECOND := .build/second-opinion
EVALUATOR := tests/integration/permissions/evaluator

TEXTS := layers/pipeline/salesflow
KEYWORDS := -k _ -k Text -k plural:1,2 -k context:1c,2

export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_SYSTEM_CERTS := 1
unexport PYTHONDONTWRITEBYTECODE  # some three hundred processes start in `make test`: each would compile moto, pandas and the tests anew

.PHONY: help setup lock builder-digest format lint types template messages docs check scan-tools scan audit unit test other-days browser-check layers-check sam-local-check newcomer second-opinion reliability bench demo pictures build clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

setup: $(READY) ## the development environment in .venv (the other targets see to it themselves)
	@echo "source $(VENV)/bin/activate puts salesflow-ops and sam into this shell"

$(LIGHT): requirements/demo.txt requirements/uv.txt layers/report/fonts.txt layers/build_fonts.py layers/report/salesflow_fonts/__init__.py ops/install_script.py
	@test -x $(PYTHON_VENV) || { echo "making $(VENV)"; \
	  if $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	  else echo "$(PYTHON) is no Python 3.13 here: uv looks for one, or fetches it for you"; \
	    python3 -m venv .build/uv && .build/uv/bin/pip install -qq --require-hashes --requirement requirements/uv.txt && \
	    .build/uv/bin/uv venv --quiet --seed --python 3.13 $(VENV) || \
	    { echo "none came: install Python 3.13, or say make PYTHON=/path/to/python3.13 ..."; rm -rf $(VENV); exit 1; }; \
	  fi; }
	@echo "installing the locked packages, and making the fonts"
	@$(PYTHON_VENV) -m pip install -qq --require-hashes --requirement requirements/uv.txt
	@$(VENV)/bin/uv pip install --quiet --require-hashes --python $(PYTHON_VENV) --requirement requirements/demo.txt
	@$(PYTHON_VENV) layers/build_fonts.py "$$($(PYTHON_VENV) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" >/dev/null
	@$(PYTHON_VENV) -m ops.install_script >/dev/null
	@touch $@

$(READY): requirements/dev.txt $(LIGHT)
	@echo "installing the tools of development"
	@$(VENV)/bin/uv pip sync --quiet --require-hashes --python $(PYTHON_VENV) requirements/dev.txt
	@touch $@

lock: $(READY) ## resolve the *.in files anew into hashed locks; UPGRADE=1 takes the newest of everything
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/demo.in -c requirements/dev.txt -o requirements/demo.txt
	$(LOCK) requirements/uv.in -c requirements/dev.txt -o requirements/uv.txt
	$(LOCK) requirements/bench.in -o requirements/bench.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/scan.in -o requirements/scan.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/second-opinion.in -o requirements/second-opinion.txt
	$(LOCK) layers/core/requirements.in -c requirements/dev.txt --no-emit-package botocore -o layers/core/requirements.txt
	in_core="$$(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' layers/core/requirements.txt)"; \
	for layer in arrow ml report; do $(LOCK) layers/$$layer/requirements.in -c requirements/dev.txt $$in_core -o layers/$$layer/requirements.txt; done
	$(LOCK) $(if $(UPGRADE),--upgrade) --no-deps layers/report/fonts.in -c requirements/dev.txt -o layers/report/fonts.txt  # the fonts alone, and what cuts them

builder-digest: ## say in each layer's folder which builder makes it, so that `sam build` with its cache sees a change of the builder
	digest="$$(cat layers/build_layer.py layers/build_fonts.py layers/layers.mk | $(VENV)/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"; \
	for layer in core arrow ml report pipeline; do echo "$$digest" > layers/$$layer/builder.sha256; done

format: $(READY) ## lay the code out
	$(VENV)/bin/ruff check --quiet --fix .
	$(VENV)/bin/ruff format .

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	PYTHONPATH=layers/pipeline:. $(VENV)/bin/lint-imports --no-cache --no-logo

types: $(READY)
	$(VENV)/bin/mypy

template: $(READY)
	$(VENV)/bin/cfn-lint template.yaml
	$(SAM) validate --lint --region us-east-1

messages: $(READY) ## bring the catalogues of texts up to date with the code: new ones stand there empty, to be translated
	@mkdir -p .build
	$(VENV)/bin/pybabel -q extract --mapping-file pyproject.toml --no-default-keywords $(KEYWORDS) --add-comments Translators: \
	  --strip-comments --sort-by-file --add-location file --width 120 --project salesflow --output-file .build/salesflow.pot $(TEXTS)
	$(VENV)/bin/pybabel -q update --input-file .build/salesflow.pot --output-dir $(TEXTS)/locale --domain salesflow \
	  --ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date --width 120

docs: $(READY) ## the reference of the command line (docs/cli.md), from the program itself
	$(PYTHON_VENV) -m ops.reference

check: lint types template ## lint, layout, imports, types, template

scan-tools: $(SCAN)/.ready ## what looks at this from outside, in .build/scan: checkov, pip-audit, and the evaluator of IAM policies

$(SCAN)/.ready: requirements/scan.txt $(EVALUATOR)/package.json $(EVALUATOR)/package-lock.json | $(READY)
	@echo "installing the locked scanners"
	@rm -rf $(SCAN)
	@$(PYTHON_VENV) -m venv --without-pip $(SCAN)
	@$(VENV)/bin/uv pip sync --quiet --require-hashes --python $(SCAN)/bin/python requirements/scan.txt
	@mkdir $(SCAN)/evaluator && cp $(EVALUATOR)/package.json $(EVALUATOR)/package-lock.json $(SCAN)/evaluator/
	@PATH="$(CURDIR)/$(SCAN)/bin:$$PATH" $(SCAN)/bin/npm ci --prefix $(SCAN)/evaluator --ignore-scripts --no-audit --no-fund --silent
	@touch $@

scan: scan-tools ## the template, by a scanner that is not ours (checkov); what is left out stands in the template, with its reason
	CKV_PARSE_ERROR_FAIL=true $(SCAN)/bin/checkov --framework cloudformation --file template.yaml --compact --quiet --skip-download

audit: scan-tools ## known vulnerabilities of everything locked (pip-audit; fails where the service cannot be asked); SERVICE=osv for the other one
	@failed=0; for lock in layers/*/requirements.txt requirements/*.txt; do \
	  echo "$$lock"; \
	  $(SCAN)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --vulnerability-service $(or $(SERVICE),pypi) \
	    --requirement $$lock || { failed=1; echo "NOT CLEAN, or the service ($(or $(SERVICE),pypi)) could not be asked: $$lock is not vouched for"; }; \
	done; exit $$failed

unit: $(READY) ## the unit tests: a verdict in a minute
	$(PYTHON_VENV) -m pytest --numprocesses auto $(BY_FILE) tests/unit

test: $(READY) $(SCAN)/.ready ## every test that needs no built layer
	$(PYTHON_VENV) -m pytest --numprocesses $(WORKERS) $(BY_FILE) -m "not layers"

# What is pure and long is left out: it reads no clock.
other-days: $(READY) ## the tests that read a clock, on a leap day, and while the day changes in Shanghai
	TESTS_TAKE_PLACE_AT=2028-02-29T09:00:00+00:00 $(PYTHON_VENV) -m pytest -q tests/unit \
	  $(addprefix --ignore=tests/unit/,alerts analytics detection forecasting history reports)
	TESTS_TAKE_PLACE_AT=2026-12-31T15:59:55+00:00 $(PYTHON_VENV) -m pytest -q tests/integration/ledger tests/integration/jobs/test_sync_history.py

browser-check: $(READY) ## pages and mails in a real Chromium (part of `make test` where there is one); pictures in .build/screenshots
	$(PYTHON_VENV) -m pytest -m browser tests/e2e/browser

layers-check: $(READY) ## build for both architectures with sam, and prove what was built
	$(SAM) build --no-cached --parameter-overrides Architecture=x86_64 --build-dir .build/sam/x86_64
	$(SAM) build --no-cached --parameter-overrides Architecture=arm64 --build-dir .build/sam/arm64
	$(PYTHON_VENV) -m pytest -m layers -s tests/e2e/layers

sam-local-check: $(READY) $(if $(filter layers-check,$(MAKECMDGOALS)),layers-check) ## sam local invoke of every function on what layers-check built, against the local cloud (needs Docker)
	@test -f .build/sam/x86_64/template.yaml || $(SAM) build --parameter-overrides Architecture=x86_64 --build-dir .build/sam/x86_64
	$(PYTHON_VENV) -m pytest -m layers -s tests/e2e/sam_local

newcomer: ## what a newcomer types, from this clone to a stack in the local cloud and back, in a terminal of 80 columns; with times
	python3 tests/e2e/newcomer.py

second-opinion: $(SECOND)/.ready ## the same with ministack as the AWS account, and every job fired there from its built layers
	python3 tests/e2e/newcomer.py --second-opinion

$(SECOND)/.ready: requirements/second-opinion.txt | $(READY)
	@rm -rf $(SECOND)
	@$(PYTHON_VENV) -m venv --without-pip $(SECOND)
	@$(VENV)/bin/uv pip sync --quiet --require-hashes --python $(SECOND)/bin/python requirements/second-opinion.txt
	@touch $@

reliability: $(READY) ## crash, fault, fuzz and soak experiments (37 minutes on two idle cores); ONLY=sweep,faults,fuzz,soak,alerts,field,walks,clicks,settings,night,shops,proofs; WIDE=1; QUICK=1; the table also in .build/reliability.md
	@mkdir -p .build
	$(PYTHON_VENV) -m tests.reliability --write .build/reliability $(if $(WIDE),--wide) $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

bench: $(READY) ## measurements, side by side; DATA=... for real sales
	@$(VENV)/bin/uv pip install --quiet --require-hashes --python $(PYTHON_VENV) --requirement requirements/bench.txt
	$(PYTHON_VENV) -m tests.benchmarks $(if $(DATA),--data $(DATA))

demo: $(LIGHT) ## a whole local cloud: fire the last days' schedules, show what came of it; DATA=... for sales of your own
	$(PYTHON_VENV) -m ops demo $(if $(DATA),--data "$(DATA)")
	@echo "source $(VENV)/bin/activate puts salesflow-ops into this shell: try salesflow-ops up, or salesflow-ops --help"

pictures: $(READY) ## the README's pictures anew, from what make demo has made in out/
	$(PYTHON_VENV) -m tests.e2e.browser.pictures

build: $(READY) ## sam build; ARCH=arm64 for Graviton
	$(SAM) build --parameter-overrides Architecture=$(ARCH)

clean: ## everything that was made here
	rm -rf $(VENV) .build .aws-sam out .pytest_cache .mypy_cache .ruff_cache .hypothesis
