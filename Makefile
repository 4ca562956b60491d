# `make demo` and `make test` do all the set-up on a fresh machine that has python3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(VENV)-uv/bin/uv
# All of the lock is installed by default: `make demo` takes only what the demonstration uses.
EVERYTHING := $(VENV)/.everything
DEMO := $(VENV)/.demo
# Test processes: files are dealt out whole, so that what a file prepares is prepared once.
WORKERS ?= 2
# The root of the checkout is the package, so it must not be on sys.path: -P, and never python -m from here.
export PYTHONSAFEPATH := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test lint types unit bench serve readme lock clean system

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed, found " + sys.version)'
	$(PYTHON) -m venv $(VENV)-uv
	$(VENV)-uv/bin/pip install --quiet --disable-pip-version-check uv

$(BIN)/python: | $(UV)
	$(UV) venv --quiet --python $(PYTHON) $(VENV)

$(EVERYTHING): requirements.lock pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(VENV) --require-hashes --no-deps -r requirements.lock
	$(UV) pip install --quiet --python $(VENV) --no-deps --editable .
	@touch $@ $(DEMO)

$(DEMO): requirements.lock pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(VENV) --constraints requirements.lock --overrides overrides.txt --editable '.[core,generate]'
	@touch $@

demo: $(DEMO) ## Make, sign, verify, scan and report: set-up included, prints the path of the report
	$(BIN)/assay demo $(if $(MEDIA),--media $(MEDIA)) --out $(or $(OUT),out/demo)

test: $(EVERYTHING) system lint types unit ## Lint, types and every test: set-up included

# What some tests use beside Python: where it cannot be installed they skip, saying so.
SYSTEM := chromium softhsm2-util pg_ctlcluster espeak-ng flite
system:
	@for tool in $(SYSTEM); do command -v $$tool >/dev/null || missing=1; done; [ -z "$$missing" ] || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium softhsm2 postgresql espeak-ng flite >/dev/null 2>&1; } \
		|| echo "$(SYSTEM): not all are here or can be installed; the tests that use them will skip"

lint: $(EVERYTHING) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(EVERYTHING) ## mypy --strict over the package
	@folder=$$(mktemp -d) && ln -s "$(CURDIR)" "$$folder/assay" \
		&& cd "$$folder" && MYPYPATH="$$folder" "$(abspath $(BIN))/mypy" --config-file "$(CURDIR)/mypy.ini" --cache-dir "$(CURDIR)/.mypy_cache" -p assay; \
		status=$$?; rm -rf "$$folder"; exit $$status

unit: $(EVERYTHING) ## The test suite alone
	$(BIN)/pytest -c tests/pytest.ini -n $(WORKERS) --dist loadfile tests

# Those of the second line measure on real media, in a folder beside the checkout.
REAL ?= ../shared/media
bench: $(EVERYTHING) ## Timed comparisons and measured tables, written to out/bench as JSON
	@mkdir -p out/bench
	@set -e; for name in cold_start scan verify_batch ledger label_lint metrics index; do \
		echo "== $$name"; $(BIN)/python -P benchmarks/$$name.py --out out/bench; done
	@if [ ! -d "$(REAL)" ]; then echo "no real media at $(REAL): marks, fuzz, voices and detectors are not measured"; else set -e; \
		for name in fuzz_verify recovery; do echo "== $$name"; $(BIN)/python -P benchmarks/$$name.py --out out/bench; done; \
		echo "== marks (hours)"; $(BIN)/assay bench marks "$(REAL)/faces" "$(REAL)/speech" --out out/bench/marks; \
		echo "== voice_clone"; $(BIN)/python -P benchmarks/voice_clone.py "$(REAL)/speech/manifest.csv" --out out/bench/voice_clone.json; \
		echo "== detectors_first_cut"; $(BIN)/python -P benchmarks/detectors_first_cut.py --media "$(REAL)" --cache out/features --out out/bench; fi

serve: $(EVERYTHING) ## The web service
	$(BIN)/assay serve

readme: $(EVERYTHING) ## Refresh the help blocks of the README
	$(BIN)/python -P docs/help_blocks.py

lock: $(UV) ## Compile requirements.lock from pyproject.toml
	$(UV) pip compile --quiet --python-version 3.11 pyproject.toml --extra all --extra dev --overrides overrides.txt \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock

clean: ## Remove the environments and everything made
	rm -rf $(VENV) $(VENV)-uv out build *.egg-info .mypy_cache .ruff_cache
