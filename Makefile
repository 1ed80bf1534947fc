# Everything runs in its own environment, made on first use. "make help" lists the commands.
INPUT     ?= demo_bank
CUSTOMERS ?= 20000
LANGUAGE  ?= en
VENV      ?= .venv
WAREHOUSE ?= warehouse/$(notdir $(abspath $(INPUT)))/warehouse.duckdb
UV        := $(VENV)/bin/uv
PYTHON    := $(VENV)/bin/python
UV_VERSION := 0.13.9
COMPILE   := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url pyproject.toml

# bytecode is compiled once at install; every dbt command is 2 s faster for it
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DBT_PROFILES_DIR := $(CURDIR)
# the installer follows the index and certificate that pip is told to use
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

.DEFAULT_GOAL := help
.PHONY: help env engines build test test-engines benchmark lint validate summary docs lock clean

help:  ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  INPUT=demo_bank | online_retail | path/to/folder    (default: demo_bank)\n'
	@printf '  CUSTOMERS=20000                                     size of the demo bank\n'
	@printf '  REFRESH=1                                           build all of history again\n'

env: $(VENV)/.installed  ## make the Python environment in .venv

$(VENV)/.installed: requirements.lock
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip sync --quiet --python $(PYTHON) --require-hashes --compile-bytecode requirements.lock
	@touch $@

engines: $(VENV)/.engines-installed  ## the same with Spark, which needs Java 17 or newer

$(VENV)/.engines-installed: requirements-engines.lock $(VENV)/.installed
	$(UV) pip sync --quiet --python $(PYTHON) --require-hashes --compile-bytecode requirements-engines.lock
	@touch $@

build: env  ## load the input, build the warehouse, show who is critical
	$(PYTHON) scripts/build/build.py --input $(INPUT) --customers $(CUSTOMERS) $(if $(REFRESH),--full-refresh)

test: env lint  ## lint, then every test; builds its own warehouses in a temporary folder
	$(VENV)/bin/pytest -n 2 --dist loadfile

test-engines: engines  ## compare every mart of DuckDB, PostgreSQL and Spark; break builds on the servers
	$(PYTHON) scripts/check/compare_engines.py --customers $(CUSTOMERS)
	$(VENV)/bin/pytest tests/engines

benchmark: env  ## measure builds beside the floor and the peers, hours; FAST=1: the smallest, minutes
	$(PYTHON) scripts/measure/benchmark.py --environments $(VENV)/peers $(if $(FAST),--fast)

lint: env  ## Python and SQL style, layer rules
	$(VENV)/bin/ruff check scripts tests
	$(VENV)/bin/ruff format --check scripts tests
	$(PYTHON) scripts/check/check_layers.py
	CRITICAL_CUSTOMERS_WAREHOUSE=:memory: $(VENV)/bin/sqlfluff lint --processes 2 --disable-progress-bar models analyses tests

validate: env  ## check the marts with Great Expectations, write an HTML page of the results
	$(PYTHON) scripts/check/validate.py $(WAREHOUSE)

summary: env  ## show the summary of the last build again (LANGUAGE=zh for Chinese)
	$(PYTHON) scripts/publish/show_summary.py $(WAREHOUSE) --language $(LANGUAGE)

docs: env  ## write the documentation of every table and column, one page: target/static_index.html
	CRITICAL_CUSTOMERS_WAREHOUSE=$(WAREHOUSE) $(VENV)/bin/dbt --quiet docs generate --static
	@echo "target/static_index.html is written; open it in a browser"

lock:  ## renew requirements.lock from pyproject.toml
	python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet uv==$(UV_VERSION)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra engines --constraint requirements.lock --output-file requirements-engines.lock

clean:  ## remove the environment, the warehouses and what dbt wrote
	rm -rf $(VENV) warehouse target logs
