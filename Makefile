# Each command makes the environment .venv on first use and installs the packages that it needs.
INPUT     ?= demo_bank
CUSTOMERS ?= 20000
LANGUAGE  ?= en
GROUP     ?= run
VENV      ?= .venv
WAREHOUSE ?= warehouse/$(notdir $(abspath $(INPUT)))/warehouse.duckdb

BIN     := $(VENV)/bin
PYTHON  := $(BIN)/python
WAIT    := python3 scripts/show_wait.py
INSTALL := $(BIN)/uv pip install --python $(PYTHON) --require-hashes --compile-bytecode --requirement

# Bytecode is compiled once, at install: every dbt command is 2 s faster for it.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DBT_PROFILES_DIR := $(CURDIR)
# uv uses the index and the certificate that pip is told to use.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

.DEFAULT_GOAL := help
.PHONY: help env build next-day summary docs validate test test-engines benchmark lint lock clean always

help:  ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  INPUT=demo_bank | complete_journey | path/to/folder   what to build (default: demo_bank)\n'
	@printf '  CUSTOMERS=20000                                       size of the demo bank\n'
	@printf '  REFRESH=1                                             make build: build all of history again\n'
	@printf '  LANGUAGE=en | zh                                      language of make summary\n'

# -- the environment: pyproject.toml has the groups of packages, each with a lock file ----------------

LOCKED := engines validate benchmark test test-engines uv
$(if $(filter $(GROUP),run $(LOCKED)),,$(error There is no GROUP $(GROUP): give one of run $(LOCKED)))

env: $(VENV)/.$(GROUP)  ## install the packages of make build; GROUP=engines | test | ... those of a group

$(VENV)/.uv: requirements-uv.lock
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"python3 is Python %d.%d: install Python 3.11 or newer." % sys.version_info[:2])'
	@$(WAIT) "Making the environment $(VENV)" python3 -m venv $(VENV)
	@$(WAIT) "Installing uv, the installer" $(PYTHON) -m pip install --require-hashes --requirement $<
	@touch $@

$(VENV)/.run: requirements.lock $(VENV)/.uv
	@$(WAIT) "Installing the packages of make build" $(INSTALL) $<
	@touch $@

$(VENV)/.%: requirements-%.lock $(VENV)/.run
	@$(WAIT) "Installing the packages of the group $*" $(INSTALL) $<
	@touch $@

TEST_GROUPS := $(VENV)/.engines $(VENV)/.validate $(VENV)/.benchmark $(VENV)/.test

# All groups are resolved together first, so that their locks agree.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 \
	--no-annotate --no-header --no-emit-index-url
WRITE   := $(COMPILE) --upgrade --generate-hashes --constraint $(VENV)/versions.txt --output-file

lock: $(VENV)/.uv  ## renew the lock files: the newest versions that pyproject.toml allows
	@$(WAIT) "Finding the newest versions that work together" $(COMPILE) --upgrade pyproject.toml \
		$(LOCKED:%=--group %) --output-file $(VENV)/versions.txt
	@$(WAIT) "Writing requirements.lock" $(WRITE) requirements.lock pyproject.toml
	@for group in $(LOCKED); do $(WAIT) "Writing requirements-$$group.lock" \
		$(WRITE) requirements-$$group.lock --group $$group || exit 1; done

# -- the warehouse -----------------------------------------------------------------------------------

build: $(VENV)/.run  ## load the input, build the warehouse, show who is critical
	$(PYTHON) scripts/build/build.py --input $(INPUT) --customers $(CUSTOMERS) $(if $(REFRESH),--full-refresh)

next-day: $(VENV)/.run  ## bring the demo bank's next day and build it
	$(PYTHON) scripts/build/build.py --input $(INPUT) --next-day

summary: $(VENV)/.run  ## show the summary of the last build again
	$(PYTHON) scripts/publish/show_summary.py $(WAREHOUSE) --language $(LANGUAGE)

docs: $(VENV)/.run  ## write a page that documents every table and column: target/static_index.html
	$(PYTHON) scripts/build/docs.py $(WAREHOUSE)

validate: $(VENV)/.run $(VENV)/.validate  ## check the marts with Great Expectations, write a page of the results
	$(PYTHON) scripts/check/validate.py $(WAREHOUSE)

# -- the code ----------------------------------------------------------------------------------------

test: $(TEST_GROUPS) lint  ## lint, then run every test; warehouses are built in a temporary folder
	$(BIN)/pytest -n 2 --dist loadfile

test-engines: $(TEST_GROUPS) $(VENV)/.test-engines  ## compare every mart of DuckDB, PostgreSQL and Spark; FULL=1: also break builds
	$(PYTHON) scripts/check/compare_engines.py --customers $(CUSTOMERS)
	$(if $(FULL),$(BIN)/pytest tests/engines)

benchmark: $(TEST_GROUPS)  ## compare the floor, measure builds beside it and the peers: hours; FAST=1: minutes
	$(BIN)/pytest -m benchmark
	$(PYTHON) scripts/measure/benchmark.py --environments $(VENV)/peers $(if $(FAST),--fast)

lint: $(VENV)/.test  ## check Python, layers and the SQL that changed since it last passed; ALL=1: all SQL
	$(BIN)/ruff check scripts tests
	$(BIN)/ruff format --check scripts tests
	$(PYTHON) scripts/check/check_layers.py
	@$(MAKE) --no-print-directory $(VENV)/.linted

# sqlfluff takes a second a file. Generic tests are macros, which it does not read.
SQL := $(shell find models analyses tests -name '*.sql' -not -path '*/generic/*')

$(VENV)/.linted: $(SQL) .sqlfluff $(VENV)/.test $(if $(ALL),always)
	@touch $@.begun
	CRITICAL_CUSTOMERS_WAREHOUSE=:memory: $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar \
		$(if $(filter-out %.sql,$?),$(SQL),$?)
	@mv $@.begun $@

clean:  ## remove the environment, the warehouses and what dbt wrote
	rm -rf $(VENV) warehouse target logs
