PY ?= python3
BIN := .venv/bin

# format, lint, types, unit tests, shape: run before every commit
all: fix lint types unit shape

# an environment of our own with everything pinned; needs Python 3.11+, git and make only
setup: .venv/.ready

.venv/.ready: constraints.txt pyproject.toml
	$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trainshed needs Python 3.11 or newer: make PY=python3.11 setup")'
	$(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ]+' constraints.txt)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $@

# the main job on real input
demo: setup
	$(BIN)/trainshed demo

# a browser for the tests of the dashboard, where there is none
browser: setup
	$(BIN)/python tools/chromium.py

# can a person use the dashboard? A browser on every page and every action: some minutes
dashboard: setup browser
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/browser

# everything that must hold
test: setup
	$(MAKE) --no-print-directory --jobs 2 lint types collected
	$(BIN)/python -m pytest -n 3 --dist loadfile

# test modules as pytest rewrites them, so that its processes need not do so side by side
collected: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -qq > /dev/null || true  # the tests themselves say what is wrong

# real training with torch, TensorFlow, scikit-learn and xgboost: gigabytes of environments, many minutes
frameworks: setup
	$(BIN)/python -m pytest -s tests/frameworks

# a server with the dashboard
serve: setup
	$(BIN)/trainshed up

# rules of style and import contracts
lint: setup
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo

# rewrite what can be rewritten
fix: setup
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/python -m pytest -q tests/unit

# size limits, one place for every fact
shape: setup
	$(BIN)/python -m pytest -q tests/shape
	$(BIN)/python tools/shape.py

# the database's next migration, to the tables in the code
migration: setup
	$(BIN)/python tools/migration.py

# the descriptor set of Google's published interfaces, from the pinned client packages
surface: setup
	$(BIN)/python tools/surface.py

# documents that are generated from the code
docs: setup
	$(BIN)/python tools/documents.py

# pictures of every page of the dashboard, from the demo's data
screenshots: setup browser
	$(BIN)/python tools/screenshots.py

# every page of the dashboard in both schemes and at two widths, by axe: some minutes
looks: setup browser
	TRAINSHED_TEST_LOOKS=all $(BIN)/python -m pytest tests/browser -k "every_page or every_tab or every_way"

# which fields of Google's resources do what here, found out by sending each; and the names of gcloud's flags, where it is installed
coverage: setup
	cd tests && ../$(BIN)/python -m conformance.fields.page
	if command -v gcloud > /dev/null; then $(BIN)/python tools/flags.py; fi

# how fast, against which baseline
bench: setup
	$(BIN)/python bench/run.py

# two hundred kills over a mix of pipelines; SEED=N for others, or for the same again
campaign: setup
	$(BIN)/python tests/faults/campaign/run.py --seed $(or $(SEED),1)

# kill -9 while Google's client publishes a hundred thousand messages; SEED=N for other moments
publishes: setup
	$(BIN)/python -m tests.faults.publishes.campaign --seed $(or $(SEED),1)

# the Pub/Sub scripts over every wire, against Google's emulator and against us
emulator: setup
	TRAINSHED_TEST_WIRES=grpc,rest,async $(BIN)/python -m pytest -q tests/emulator

# a hundred thousand broken specs; SEED=N for others, or for the same again
fuzz: setup
	$(BIN)/python -m tests.faults.specs.campaign --inputs 100000 --seed $(or $(SEED),1)

# ten thousand broken requests of each service; SEED=N for others, or for the same again
fuzz-surface: setup
	$(BIN)/python -m tests.faults.surface.campaign --requests 10000 --seed $(or $(SEED),1)

# versions and hashes of everything, without download addresses
constraints: pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o constraints.txt

# Google's own command line tools at length, where they are installed: some minutes
originals: setup
	TRAINSHED_ORIGINALS=1 $(BIN)/python -m pytest tests/originals tests/e2e/test_notebooks.py

.PHONY: all setup demo browser dashboard test collected frameworks originals serve lint fix types unit shape migration surface docs screenshots looks coverage bench campaign publishes emulator fuzz fuzz-surface constraints
