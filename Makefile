# `make demo` and `make test` set up what they need; nothing else has to be run before.
PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3.12) $(shell command -v python3.13) python3)
BIN := .venv/bin
STUDY ?=

.PHONY: demo test test-faults lint format proto proto-check chart constraints zoo bench up setup setup-test clean

# The demonstration needs only what the services need: no torch, no test tools.
.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --progress-bar off -e '.[all]'
	@touch $@

.venv/test: pyproject.toml | .venv/demo
	$(BIN)/python -m pip install --quiet --progress-bar off -e '.[test]'
	@touch $@

setup: .venv/demo
setup-test: .venv/test

demo: .venv/demo
	@STUDY='$(STUDY)' $(BIN)/lucidray demo

up: .venv/demo
	@$(BIN)/lucidray up

test: .venv/test lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not faults'
	$(BIN)/python -m pytest -n 2 -m faults

test-faults: .venv/test
	$(BIN)/python -m pytest -n 2 -m faults

lint: .venv/test proto-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: .venv/test
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=services --pyi_out=services proto/lucidray/v1/*.proto

proto-check: .venv/test
	cd proto && ../$(BIN)/buf lint

# The chart's values schema, from the settings of the services.
chart: .venv/test
	$(BIN)/python -m lucidray.launcher.chart_schema charts/lucidray

# Versions of the images: those that the tests ran with. On a fresh environment, so that nothing else is in it.
constraints: .venv/test
	(echo '# Versions that the tests passed with; images are built with these.'; $(BIN)/python -m pip freeze --exclude-editable) > docker/constraints.txt

zoo: .venv/test
	$(BIN)/python -m lucidray.lab.pet_suv_threshold
	$(BIN)/python -m lucidray.lab.sts_metastasis

# make bench-case, make bench-bus, ...: one table each, JSON in build/bench/.
bench-%: .venv/test
	$(BIN)/python -m tests.bench.bench_$*

bench: .venv/test
	for each in tests/bench/bench_*.py; do $(BIN)/python -m tests.bench.$$(basename $$each .py) || exit 1; done

clean:
	rm -rf build .venv
