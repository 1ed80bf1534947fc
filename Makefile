# Each command makes the environment .venv on first use and installs the packages that it needs.
INPUT     ?= demo_bank
CUSTOMERS ?= 20000
LANGUAGE  ?= en
GROUP     ?= run
VENV      ?= .venv
WAREHOUSE ?= warehouse/$(notdir $(abspath $(INPUT)))/warehouse.duckdb
BIN       := $(VENV)/bin
PYTHON    := $(BIN)/python

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

# pyproject.toml has the groups of packages; a group that is installed has a file in .venv.
GROUPS     := engines validate benchmark test test-engines uv
RUN        := $(VENV)/.run
TEST       := $(RUN) $(VENV)/.engines $(VENV)/.validate $(VENV)/.benchmark $(VENV)/.test
$(if $(filter $(GROUP),run $(GROUPS)),,$(error There is no GROUP $(GROUP): give one of run $(GROUPS)))

.DEFAULT_GOAL := help
.PHONY: help build next-day summary docs validate test test-engines benchmark lint env engines lock clean always

help:  ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  INPUT=demo_bank    what to build: demo_bank, complete_journey or a folder'
	@echo '  CUSTOMERS=20000    size of the demo bank'
	@echo '  REFRESH=1          make build: build all of history again'
	@echo '  LANGUAGE=zh        make summary: in Chinese'
	@echo '  FULL=1             make test-engines: also kill builds and fill disks'
	@echo '  FAST=1             make benchmark: the smallest sizes, minutes'
	@echo '  ALL=1              make lint: all SQL'
	@echo '  GROUP=engines      make env: the adapters of PostgreSQL and Spark'

# -- the warehouse -----------------------------------------------------------------------------------

build: $(RUN)  ## load the input, build its warehouse, show who is critical
	$(PYTHON) scripts/build/build.py --input "$(INPUT)" --customers $(CUSTOMERS) $(if $(REFRESH),--full-refresh)

next-day: $(RUN)  ## bring the demo bank's next day and build it
	$(PYTHON) scripts/build/build.py --input "$(INPUT)" --next-day

summary: $(RUN)  ## show the summary of the last build again
	$(PYTHON) scripts/publish/show_summary.py "$(WAREHOUSE)" --language $(LANGUAGE)

docs: $(RUN)  ## describe every table and column: target/static_index.html
	$(PYTHON) scripts/build/docs.py "$(WAREHOUSE)"

validate: $(RUN) $(VENV)/.validate  ## check the marts with Great Expectations, write a page
	$(PYTHON) scripts/check/validate.py "$(WAREHOUSE)"

# -- the code ----------------------------------------------------------------------------------------

test: $(TEST) lint  ## lint, then run every test
	$(BIN)/pytest -n 2

test-engines: engines  ## compare the marts of DuckDB, PostgreSQL and Spark
	$(PYTHON) scripts/check/compare_engines.py --customers $(CUSTOMERS)
	$(if $(FULL),$(BIN)/pytest tests/engines)

benchmark: $(TEST)  ## measure builds beside the floor and the peers, hours
	$(PYTHON) scripts/measure/benchmark.py --environments $(VENV)/peers $(if $(FAST),--fast)

lint: $(VENV)/.test  ## check Python, layers and the SQL that has changed
	$(BIN)/ruff check scripts tests
	$(BIN)/ruff format --check scripts tests
	$(PYTHON) scripts/check/check_layers.py
	@$(MAKE) --no-print-directory $(VENV)/.linted

# sqlfluff takes a second a file, so it reads what has changed since all SQL passed. Generic tests are macros,
# which it skips.
SQL := $(shell find models analyses tests -name '*.sql' -not -path '*/generic/*')

$(VENV)/.linted: $(SQL) .sqlfluff $(VENV)/.test $(if $(ALL),always)
	@touch $@.begun
	CRITICAL_CUSTOMERS_WAREHOUSE=:memory: $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar \
		$(if $(filter-out %.sql,$?),$(SQL),$?)
	@mv $@.begun $@

# -- the environment ---------------------------------------------------------------------------------

WAIT    := python3 scripts/show_wait.py
INSTALL := $(BIN)/uv pip install --python $(PYTHON) --require-hashes --compile-bytecode --requirement
COMPILE := $(BIN)/uv pip compile --upgrade --universal --python-version 3.11 \
	--no-annotate --no-header --no-emit-index-url
WRITE   := $(COMPILE) --no-strip-extras --generate-hashes --constraint $(VENV)/versions.txt --output-file

env: $(VENV)/.$(GROUP)  ## install the packages of make build, or of a GROUP

engines: $(TEST) $(VENV)/.test-engines  ## install what make test-engines needs beside Java 17

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

# All groups are resolved together first, so that their locks agree. Extras stay in the locks: pip, which can install
# from them too, asks for a hash of "package[extra]".
lock: $(VENV)/.uv  ## renew the lock files: newest versions that pyproject.toml allows
	@$(WAIT) "Finding the newest versions that work together" \
		$(COMPILE) pyproject.toml $(GROUPS:%=--group %) --output-file $(VENV)/versions.txt
	@$(WAIT) "Writing requirements.lock" $(WRITE) requirements.lock pyproject.toml
	@for group in $(GROUPS); do $(WAIT) "Writing requirements-$$group.lock" \
		$(WRITE) requirements-$$group.lock --group $$group || exit 1; done

clean:  ## remove the environment, the warehouses and what dbt wrote
	rm -rf $(VENV) warehouse target logs
