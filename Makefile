# `make check` and `make test` set up what they need by themselves, in .venv; nothing is installed outside this folder.
PYTHON ?= python3
PLAN ?= fixtures/rds-multi-az-off/plan.json
IMAGE ?= faultray-action
BASE_IMAGE ?= python:3.13-slim-trixie
RIG ?= ../shared/rig/terraform
RIG_HOME ?= $(HOME)/.cache/terraform-rig
SCENARIOS ?= ../shared/scenarios
WORKERS ?= 2
SECONDS ?= 3600

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
D3 := faultray_action/report/html/d3.min.js
READY := .venv/.ready
COMPILE := env -u PIP_FIND_LINKS PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes \
	--allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: setup check test lint fixtures golden bench proof judge fuzz image wheel lock clean

setup: $(READY) $(D3) ## a virtual environment with everything at its pinned version, the product itself, and D3 for the HTML page

$(READY): requirements/test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 …"; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --require-hashes --requirement requirements/test.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(D3): scripts/fetch_d3.py
	$(PYTHON) scripts/fetch_d3.py

check: setup ## what a change does to the resilience of a system: make check PLAN=plan.json
	@$(BIN)/faultray tf-check $(PLAN) --source $(dir $(PLAN))after

test: setup ## every test; those that need a container engine, a browser or SCRAM skip with a reason where there is none
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(READY) ## style, types, and the safety of the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet .

fixtures: ## plan.json of each fixture, made by real Terraform from its before/ and after/
	RIG_HOME=$(RIG_HOME) sh $(RIG)/setup.sh
	"$(RIG_HOME)/venv/bin/python" $(RIG)/rig.py $(sort $(dir $(wildcard fixtures/*/before/providers.tf)))

golden: setup ## rewrite what tests compare with; look at the difference before committing it
	$(BIN)/python -m pytest tests/golden tests/contract/test_contract_readme.py tests/unit/report/test_report_store.py --update-golden

bench: setup ## how long reading and judging large plans takes
	for measure in $(filter-out %generate_plan.py %proof.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$measure || exit; done

proof: setup ## docs/proof.md: the laws of the cascade on every small system; takes minutes
	$(BIN)/python benchmarks/proof.py --write
	$(BIN)/python benchmarks/proof.py --write

judge: setup ## the verdicts against labelled Terraform changes
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python $(SCENARIOS)/../tools/judge.py $(SCENARIOS)

fuzz: setup ## what strangers send, under a coverage-guided fuzzer: make fuzz SECONDS=3600
	$(PIP) install --quiet --require-hashes --requirement requirements/fuzz.txt
	$(BIN)/python tests/fuzz/campaign.py --seconds $(SECONDS) $(TARGETS)

image: ## the container that the action runs in
	docker build --build-arg BASE_IMAGE=$(BASE_IMAGE) --tag $(IMAGE) .

wheel: setup ## dist/*.whl, with D3 in it
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(READY) ## requirements/*.txt out of requirements/*.in, for every supported Python
	$(PIP) install --quiet pip-tools
	cd requirements && for set in runtime test fuzz; do $(subst $(BIN),../$(BIN),$(COMPILE)) --output-file $$set.txt $$set.in || exit; done

clean:
	rm -rf .venv .fuzz .build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .faultray $(D3)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
