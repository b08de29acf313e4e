# Every target carries its help text; `make` alone prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE ?= 1
# Nothing of another project's shell may leak in.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP DJANGO_SETTINGS_MODULE

$(VENV)/.runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: help
help: ## Print this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: install
install: $(VENV)/.runtime ## Create .venv and install the runtime packages from the lock file

.PHONY: install-dev
install-dev: $(VENV)/.dev ## Also install what tests and checks need

.PHONY: install-vision
install-vision: $(VENV)/.runtime ## Also install the optional extra that reads faces (docs/v1.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-vision.txt

.PHONY: install-s3
install-s3: $(VENV)/.runtime ## Also install the optional extra that keeps files in an S3 bucket (docs/deployment.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-s3.txt

.PHONY: run
run: $(VENV)/.runtime ## Migrate, load the demo data, serve on 127.0.0.1:$PORT with the worker inside
	@LOCAL_RUN=1 exec $(BIN)/python manage.py serve

.PHONY: test
test: $(VENV)/.dev ## Run all tests (SQLite; PostgreSQL and Redis when DATABASE_URL and REDIS_URL are set)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## ruff: style and lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## mypy
	$(BIN)/mypy .

.PHONY: contracts
contracts: $(VENV)/.dev ## import-linter: the order of the rooms
	$(BIN)/lint-imports --no-cache

.PHONY: migrations-check
migrations-check: $(VENV)/.dev ## Fail when a model has changed without its migration
	$(BIN)/python manage.py makemigrations --check --dry-run

# The GraphQL schema, where the server has one.
GRAPH := $(wildcard cbt/faces/v1/graph/schema.py)
SDL = $(BIN)/python manage.py shell --no-imports -c "from cbt.faces.v1.graph.schema import schema; print(schema.as_str())"

.PHONY: schema
schema: $(VENV)/.dev ## Write the OpenAPI documents and docs/graphql.graphql from the code
	$(BIN)/python manage.py openapi
	$(if $(GRAPH),$(SDL) > docs/graphql.graphql)

.PHONY: schema-check
schema-check: $(VENV)/.dev ## Fail when one of them is not what the code says
	$(BIN)/python manage.py openapi --check
	$(if $(GRAPH),$(SDL) | diff -u docs/graphql.graphql -)

.PHONY: deploy-check
deploy-check: $(VENV)/.dev ## Django's own checks on production settings
	DEBUG=0 HTTPS=1 DATABASE_URL=postgres://nobody@127.0.0.1:1/none SECRET_KEY=$$(head -c 48 /dev/urandom | base64 | tr -d '\n') ALLOWED_HOSTS=exam.invalid \
	  $(BIN)/python -W error manage.py check --deploy --fail-level WARNING

.PHONY: audit
audit: $(VENV)/.dev ## Known weaknesses of the locked packages (says so when advisories cannot be reached)
	$(BIN)/python scripts/audit.py

.PHONY: check
check: lint types contracts migrations-check schema-check deploy-check audit ## All that CI checks besides tests

.PHONY: face-removal-check
face-removal-check: $(VENV)/.dev ## Show that each dialect goes with its folder and its line (a minute or two)
	$(BIN)/python scripts/face_removal.py

.PHONY: format
format: $(VENV)/.dev ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: tour
tour: $(VENV)/.runtime ## Walk the whole flow against a running server (BASE_URL, default http://127.0.0.1:8000)
	$(BIN)/python examples/tour.py

.PHONY: vision-check
vision-check: $(VENV)/.dev install-vision ## Try the reader of faces on models learned from drawn people (about half an hour; g++ libdlib-dev libopenblas-dev)
	$(BIN)/python -m cbt.faces.v1.tests.vision.models
	VISION_CHECK=1 $(BIN)/python -m pytest cbt/faces/v1/tests/vision $(ARGS)
	@cat var/vision-check/figures.json

.PHONY: bench-import
bench-import: $(VENV)/.dev ## Measure the import of a list of 10,000 people (throwaway SQLite, or DATABASE_URL)
	$(BIN)/python -m benchmarks.bench_import

.PHONY: bench-login
bench-login: $(VENV)/.dev ## Measure 500 candidates signing in at once, against the started server
	@$(BIN)/python -m benchmarks.bench_login $(ARGS)

.PHONY: bench-enumeration
bench-enumeration: $(VENV)/.dev ## Measure whether the time of a refusal tells which accounts exist (1,000 tries each)
	@$(BIN)/python -m benchmarks.bench_enumeration $(ARGS)

.PHONY: bench-save
bench-save: $(VENV)/.dev ## Measure autosave on SQLite and, where it is installed, PostgreSQL (ARGS="--clients 64 --rounds 5")
	@$(BIN)/python -m benchmarks.bench_save $(ARGS)

.PHONY: bench-lists
bench-lists: $(VENV)/.dev ## Measure every list over 100,000 rows on a throw-away PostgreSQL (ARGS="--plans --only results")
	@$(BIN)/python -m benchmarks.bench_lists $(ARGS)

.PHONY: bench-live
bench-live: $(VENV)/.dev ## Measure idle sockets with an event a second: drops, delay, memory (ARGS="--sockets 500 --seconds 20")
	@$(BIN)/python -m benchmarks.bench_live $(ARGS)

.PHONY: bench-start
bench-start: $(VENV)/.dev ## Measure how long the server takes to start and how much memory it holds
	@$(BIN)/python -m benchmarks.bench_start $(ARGS)

.PHONY: bench-sqlite
bench-sqlite: $(VENV)/.dev ## Measure SQLite under many writers, with and without our queue and with Django's defaults
	@$(BIN)/python -m benchmarks.sqlite_writers --variants queue unqueued deferred $(ARGS)

.PHONY: crash
crash: $(VENV)/.dev ## Kill web server, workers and database in mid-save, 20 times each (CRASH_ROUNDS)
	CRASH_ROUNDS=$${CRASH_ROUNDS:-20} $(BIN)/python -m pytest tests/test_crash.py $(ARGS)

.PHONY: crash-files
crash-files: $(VENV)/.dev ## Kill the server 1000 times while 16 writers save one attempt kept as a file (CRASH_FILE_KILLS)
	CRASH_FILE_KILLS=$${CRASH_FILE_KILLS:-1000} $(BIN)/python -m pytest cbt/faces/exam_files/tests/test_crash_files.py $(ARGS)

.PHONY: lock
lock: ## Resolve requirements*.in into lock files with hashes (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements-dev.in -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements-vision.in -o requirements-vision.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements-s3.in -o requirements-s3.txt

.PHONY: clean
clean: ## Remove the demo database, mails and media in var/
	rm -rf var
