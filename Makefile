# Each target does all the set-up it needs; the scripts say first what they install.
# SM_NO_INSTALL=1 forbids installing packages of the distribution. PYTHON=... names the interpreter.

.DEFAULT_GOAL := help
.PHONY: help demo test test-long bench engine-stop clean

help: ## list the targets
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## judge the sample image decision_tree: verdict and HTML report
	@scripts/demo

test: ## the whole test suite; without an engine, the part that needs none
	@scripts/test

test-long: ## the tests that wait for the platform's limits in true length
	@scripts/test-long

bench: ## the suite's time against a raw script that makes the same launches, its latencies against wrk
	@scripts/bench

engine-stop: ## stop the engine that these commands started, never another one
	@scripts/engine stop

clean: ## remove what these commands made in this folder; images and the engine stay
	rm -rf .venv .tox build dist sm-report *.egg-info .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
