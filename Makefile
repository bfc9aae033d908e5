# Everything here needs nothing but Python 3.11 or newer, and pip's network for the first run.
# Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
VENV := .venv
DEMO := .demo
BENCH := .bench

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test torture check format bench locale clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO)/venv/.base ## send 500 messages to a local WeChat that misbehaves a little; no account needed
	@rm -rf $(DEMO)/home $(DEMO)/users-500.failures.csv
	@WXPUSH_HOME=$(DEMO)/home $(DEMO)/venv/bin/wxpush send \
	  samples/order-shipped/campaign.yaml samples/order-shipped/users-500.csv \
	  --sandbox --scenario demo --failures $(DEMO)/users-500.failures.csv

test: $(VENV)/.dev ## run the tests; one file: make test ARGS=tests/test_samples.py
	@$(VENV)/bin/python -m pytest $(ARGS)

torture: $(VENV)/.dev ## the delivery guarantee at full length (one to two hours); goes on where it stopped: ARGS='-k t03' or --anew
	@$(VENV)/bin/python -m pytest -m guarantee --long $(ARGS)

check: $(VENV)/.dev ## lint, format and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(VENV)/.dev ## rewrite the code as `make check` wants it
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: $(BENCH)/base/.ready $(BENCH)/fast/.ready $(BENCH)/rivals/.ready ## speed beside wechatpy, co-wechat-api and wrk (half an hour); a try-out: ARGS=--quick
	@$(BENCH)/base/bin/python -m benchmarks $(ARGS)

locale: $(VENV)/.dev ## extract the messages, bring the Chinese catalogue in step, compile it
	@$(VENV)/bin/python .ci/locale.py

clean: ## remove the environments and what the tools leave behind
	@rm -rf $(VENV) $(DEMO) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp per environment, so that a changed pyproject.toml installs again and nothing else does.
$(VENV)/.dev: pyproject.toml
	@$(call make_venv,$(VENV))
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,excel]'
	@touch $@

$(DEMO)/venv/.base: pyproject.toml
	@$(call make_venv,$(DEMO)/venv)
	@$(DEMO)/venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(BENCH)/fast/.ready: EXTRA := [fast]
$(BENCH)/rivals/.ready: EXTRA := [bench]
$(BENCH)/%/.ready: pyproject.toml
	@$(call make_venv,$(@D))
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.$(EXTRA)'
	@touch $@

# Debian's python3 comes without ensurepip: there the pip of the system puts one into the environment.
define make_venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "wxpush needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
       "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }; \
echo "Preparing $(1) (the first time takes a minute) ..." >&2; \
$(PYTHON) -m venv --clear $(1) >/dev/null 2>&1 || { \
  $(PYTHON) -m venv --clear --without-pip $(1) && \
  $(PYTHON) -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check pip; }
endef
