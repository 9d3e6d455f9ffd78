# Every target is a command of tasks.py, which needs no make: `python tasks.py test`.
# More words for a command go into ARGS: `make test ARGS="tests/core -k funnel"`.
PYTHON ?= python3
ARGS ?=
TASKS := $(PYTHON) tasks.py

.DEFAULT_GOAL := help
.PHONY: help run test lint types contract check lock sample-data screenshots bench

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the app on sample data and open it in the browser
	@$(TASKS) run $(ARGS)

test: ## run every test, browser tests included
	@$(TASKS) test $(ARGS)

lint: ## check style and formatting
	@$(TASKS) lint $(ARGS)

types: ## check types
	@$(TASKS) types $(ARGS)

contract: ## check which module imports which
	@$(TASKS) contract $(ARGS)

check: ## lint, types, contract and test
	@$(TASKS) check $(ARGS)

lock: ## compile the requirements files from pyproject.toml
	@$(TASKS) lock $(ARGS)

sample-data: ## write the sample data anew
	@$(TASKS) sample-data $(ARGS)

screenshots: ## take the screenshots of the documentation
	@$(TASKS) screenshots $(ARGS)

bench: ## measure speed and memory, write docs/benchmarks.md
	@$(TASKS) bench $(ARGS)
