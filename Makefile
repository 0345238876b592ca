# Dockledger. Each command makes its own environment; the second run starts at once.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_NO_PROGRESS ?= 1

.PHONY: demo test check sim e2e bench soak lock help
.DEFAULT_GOAL := help

help:
	@echo "make demo | test | check | sim | e2e | bench | soak"

demo: $(VENV)/.demo
	@$(BIN)/dockledger demo $(ARGS)

# Two workers halve the waiting of tests that start services; what fills the machine or measures
# time runs alone.
ALONE := $(addprefix tests/e2e/test_,causality.py hostile.py kills.py map_sizes.py \
  scenarios.py truck.py wrong_door.py)
test: $(VENV)/.dev
ifeq ($(TESTS),tests)
	$(BIN)/python -m pytest tests $(ALONE:%=--ignore=%) -n $(JOBS) --dist loadfile -q $(ARGS)
	$(BIN)/python -m pytest $(ALONE) -q $(ARGS)
else
	$(BIN)/python -m pytest $(TESTS) -q $(ARGS)
endif

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_tidy.py -q

sim: $(VENV)/.dev
	$(BIN)/python -m pytest tests/simulation -q $(ARGS)

e2e: $(VENV)/.dev
	DOCKLEDGER_E2E=1 $(BIN)/python -m pytest tests/e2e -q $(ARGS)

bench: $(VENV)/.dev
	@$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.dev
	DOCKLEDGER_SOAK=1 $(BIN)/python -m pytest tests/simulation tests/e2e tests/unit/contracts tests/unit/edge/drivers -q $(ARGS)

# Run it after a change of the dependencies in pyproject.toml.
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header --python-version 3.11 -q
lock: $(BIN)/.uv
	$(LOCK) pyproject.toml --extra dev -o requirements.lock
	printf 'uv\nsetuptools>=77\n' | $(LOCK) - -o requirements.build.lock

$(BIN)/.uv: requirements.build.lock
	@if [ -z "$(PYTHON)" ]; then \
	  echo "Dockledger needs Python 3.11 or newer (Debian, Ubuntu: apt install python3 python3-venv)." >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Dockledger needs Python's venv (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.build.lock </dev/null
	@touch $@

# The demo needs the run-time parts only; every version and hash is that of the lock.
$(VENV)/.demo: $(BIN)/.uv requirements.lock pyproject.toml
	@[ -e $(VENV)/.dev ] || $(BIN)/uv pip install -q -p $(BIN)/python --no-build-isolation \
	  -c requirements.lock -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(BIN)/.uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q -p $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.demo
