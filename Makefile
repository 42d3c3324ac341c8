# The developer's verbs: demo, test, check, bench. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench clean scripts-check

demo: $(VENV)/.demo
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev scripts-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The page's scripts. Only developers need Node; where it is missing this is skipped, but never in CI.
scripts-check:
	@if command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory node_modules/.installed && npm run --silent check; \
	elif [ "$${CI:-}" = true ]; then echo "npm is missing: the page's scripts cannot be checked" >&2; exit 1; \
	else echo "skipped: checking the page's scripts needs Node 18 or later with npm"; fi

node_modules/.installed: package-lock.json package.json
	npm ci --silent
	touch $@

bench: $(VENV)/.dev
	$(BIN)/python -m tools.benchmark $(ARGS)

$(VENV)/.demo: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.demo pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) node_modules build *.egg-info
