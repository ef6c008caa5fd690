# Everything is installed into .venv, with the versions of uv.lock.
SHELL := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
DEMO_WORKSHOP := 101
# A checkout on another disk than uv's cache cannot share files with it.
export UV_LINK_MODE ?= copy
# Every command and every process of a test imports what is installed: compiled once, it takes half the time.
export UV_COMPILE_BYTECODE ?= 1
unexport PYTHONDONTWRITEBYTECODE

define LIST_FILES
import hashlib, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(f"{path.stat().st_size:>9,} bytes  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
endef
export LIST_FILES

.PHONY: demo test check bench soak serve dev clean

## demo: install, load the sample, build, publish, show figures, export every report in every format
demo: .venv/.demo
	$(BIN)/python -m pipelines sample
	$(BIN)/python -m pipelines night
	$(BIN)/reports overview $(DEMO_WORKSHOP) --from 2026-01-01 --to 2026-01-31
	$(BIN)/reports export $(DEMO_WORKSHOP) bookings,ratings,revenue,services --format csv,xlsx,pdf,html,parquet \
	    --from 2026-01-01 --to 2026-01-31 --output data/demo/
	@$(BIN)/python -c "$$LIST_FILES" data/demo
	@echo "The files are in data/demo, their store in data/store, the warehouse in data/warehouse."

## test: install what the tests need, check style, types and import rules, run the tests
test: .venv/.test check
	$(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## bench: measure the nights, the formats, the API and batches beside their peers, write docs/benchmarks.md; BENCH_BOOKINGS=1000000 for less
BENCH_BOOKINGS ?= 10000000
bench: .venv/.bench
	$(BIN)/python -m bench nights $(BENCH_BOOKINGS)
	$(BIN)/python -m bench formats
	$(BIN)/python -m bench serving $(BENCH_BOOKINGS)
	$(BIN)/python -m bench batches

## soak: exports at about the full rate for five minutes, written to docs/benchmarks.md
soak: .venv/.bench
	$(BIN)/python -m bench soak 300

## serve: the API, the reports page and a worker on http://127.0.0.1:8000, with a key for the demo's workshop
serve: .venv/.demo
	@$(BIN)/reports keys create --workshop $(DEMO_WORKSHOP) --label demo --expires-days 1 \
	    --scope reports --scope definitions --scope batches
	@echo "Give the key to the page: http://127.0.0.1:8000/dashboard/reports"
	$(BIN)/reports serve --slots 2

## dev: Dagster's web page on http://127.0.0.1:3000
dev: .venv/.demo
	$(BIN)/dagster dev --host 127.0.0.1

clean:
	rm -rf .venv data

.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.demo: .venv/bin/uv pyproject.toml uv.lock
	$(BIN)/uv sync --quiet --locked --inexact --no-dev --python $(BIN)/python
	touch $@

.venv/.bench: .venv/bin/uv pyproject.toml uv.lock
	$(BIN)/uv sync --quiet --locked --inexact --no-dev --group bench --python $(BIN)/python
	touch $@

.venv/.test: .venv/bin/uv pyproject.toml uv.lock tests/install_tools.sh
	$(BIN)/uv sync --quiet --locked --inexact --python $(BIN)/python
	tests/install_tools.sh
	touch $@
