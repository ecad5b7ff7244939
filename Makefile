# Everything a person or a CI runs, from a fresh clone. Needs Python >= 3.10, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make lock UPGRADE=--upgrade` takes the newest versions that requirements*.in allow.
UPGRADE ?=
DRIFTMETER := $(BIN)/driftmeter
PACKAGE := dbt_project/driftmeter
# Outside the package: what changes in it makes dbt parse the projects anew that use it.
COMPILED := $(abspath .driftmeter/compiled)

# Options of `make demo`, passed on only where they are set.
DEMO_OPTIONS = $(if $(SOURCE),--source $(SOURCE)) $(if $(DIR),--dir "$(DIR)") \
	$(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) \
	$(if $(TAXI),--taxi $(TAXI)) $(if $(MONTHS),--months $(MONTHS))

.DEFAULT_GOAL := help
.PHONY: help venv venv-dev demo weekly env ui grafana overview pictures dashboards test test-all matrix bench lint scan sql docs types format lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: $(VENV)/.installed  ## Make the virtual environment, from hashed versions only

venv-dev: $(VENV)/.installed-dev  ## The same with what tests and checks want beside it

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "error: $(PYTHON) is older than 3.10. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing $$(grep -c '==' requirements.txt) packages, a minute or two ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing what tests and checks want beside them ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-dev.txt
	@touch $@

demo: venv  ## Run days through the whole chain: SOURCE= DIR= FROM= TO= TAXI= MONTHS=
	$(DRIFTMETER) demo $(DEMO_OPTIONS)

# A small project of its own on the same warehouse, as a team makes one with `driftmeter init`.
BY_WEEK := .driftmeter/by_week
weekly: venv  ## After `make demo`: watch the same trips by week too, beside the daily monitors
	mkdir -p $(BY_WEEK)
	cd $(BY_WEEK) && export DRIFTMETER_HOME="$(CURDIR)/.driftmeter" && \
		"$(CURDIR)/$(BIN)/driftmeter" init --yes --table inference.trip_duration \
			--name trip_duration_by_week --every week --reference 2019-02-04..2019-03-31 \
			--timestamp pickup_at --timezone America/New_York --target duration_minutes \
			--owner team-pricing && \
		"$(CURDIR)/$(BIN)/driftmeter" run

ui: venv  ## Open Dagster's pages
	$(DRIFTMETER) ui

grafana: venv  ## Start your Grafana binary on the warehouse: GRAFANA= PORT=
	$(DRIFTMETER) grafana $(if $(GRAFANA),--binary "$(GRAFANA)") $(if $(PORT),--port $(PORT))

pictures: venv  ## Draw the pictures of the README anew; needs Chromium
	$(BIN)/python docs/pictures/draw.py

overview: venv  ## Draw the overview into one HTML page, without Grafana
	$(DRIFTMETER) report --overview

env: .env  ## Draw the passwords of the Compose stack into .env; one that is there stays
	@echo "The passwords are in .env. Next: docker compose up --detach --build --wait"

.env:
	@umask 077 && while IFS= read -r line; do case "$$line" in \
		POSTGRES_PASSWORD=|READER_PASSWORD=|GRAFANA_ADMIN_PASSWORD=) \
			printf '%s%s\n' "$$line" "$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')";; \
		*) printf '%s\n' "$$line";; \
	esac; done < .env.example > .env.new && mv .env.new .env

dashboards: venv  ## Write grafana/dashboards anew from python_metrics/driftmeter/dashboards
	$(BIN)/python -m driftmeter.dashboards.write

test: venv-dev  ## Run the tests in a process a core, each on a Postgres of its own
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --no-loadscope-reorder

test-all: venv-dev  ## The same with campaigns: every fault, all drawn cases, the wheel in use
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --no-loadscope-reorder -m ""

matrix: venv-dev  ## Measure a table with each dbt and Python, oldest and newest of the rest; needs uv
	$(BIN)/python -m tests.matrix --out benchmarks/results/matrix.md

bench: venv  ## Measure speed and memory beside peers and limits, each on a Postgres of its own
	$(BIN)/python -m benchmarks.first_minutes
	$(BIN)/python -m benchmarks.kernel
	$(BIN)/python -m benchmarks.large_days
	$(BIN)/python -m benchmarks.large_days --labelled --no-exact
	$(BIN)/python -m benchmarks.year
	$(BIN)/python -m benchmarks.loading
	$(BIN)/python -m benchmarks.dashboard_queries --out benchmarks/results/dashboard_queries.json
	$(BIN)/python -m benchmarks.many_monitors

lint: venv-dev  ## Check form and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory sql
	$(BIN)/yamllint --strict .
	$(MAKE) --no-print-directory docs
	$(MAKE) --no-print-directory scan

# Words that stand for a password in examples and tests, and hashes that are locks.
scan: venv-dev  ## Look for passwords and keys in what is committed
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook \
		--exclude-files '(requirements[^/]*|sbom)\.txt$$|package-lock\.yml$$|\.ipynb$$' \
		--exclude-lines '(user|owner):password@|nobody:nothing@|://(me:|u[:@%]|/db)|"password": "password"|scram-sha-256|f0e1d2'

sql: venv-dev  ## Check SQL: files as they are, and the package's as dbt compiles it, with no database
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project python_metrics docs
	$(BIN)/driftmeter-dbt --quiet compile --no-introspect --no-populate-cache \
		--project-dir $(PACKAGE)/integration_tests --target-path $(COMPILED) --log-path $(COMPILED)
	$(BIN)/sqlfluff lint --disable-progress-bar --config dbt_project/lint/compiled.cfg $(COMPILED)

docs: venv-dev  ## Build the documentation as a site, into site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

types: venv-dev  ## Check types only
	$(BIN)/mypy

format: venv-dev  ## Put everything in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar dbt_project

lock:  ## Make requirements*.txt and docker/sbom.txt anew from pyproject.toml and *.in; needs uv
	for name in requirements requirements-dev docker/sbom; do \
		uv pip compile --quiet --python-version 3.10 --universal --generate-hashes \
			--no-emit-index-url --no-emit-find-links --no-strip-extras \
			--custom-compile-command "make lock" $(UPGRADE) --output-file $$name.txt $$name.in \
			$$([ $$name != requirements ] || echo pyproject.toml) && \
		awk -f .ci/plain_names.awk $$name.txt > .lock.tmp && mv .lock.tmp $$name.txt || exit 1; \
	done

clean:  ## Stop the embedded warehouse; remove it and everything made here
	[ ! -x $(DRIFTMETER) ] || env -u DRIFTMETER_DATABASE_URL $(DRIFTMETER) down
	rm -rf $(VENV) .driftmeter site dbt_project/dbt_packages dbt_project/target dbt_project/logs dbt_project/profiles.yml
