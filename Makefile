# `make demo` runs the shop; `make test` proves it. Nothing here asks a question.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PORT ?= 8000
FAKESTRIPE_PORT ?= 12111
PYTHON ?= python3
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
RUN := $(BIN)/python -m booking.cli.supervisor
PORTS := --port $(PORT) --fakestripe-port $(FAKESTRIPE_PORT)
# The addresses of this run win over those that an .env of one's own may hold.
DEMO_ENV := APP_BASE_URL=http://127.0.0.1:$(PORT) STRIPE_API_BASE=http://127.0.0.1:$(FAKESTRIPE_PORT)
# At each commit SQLite waits for the disk, as it must. Where the files of tests lie in memory, that takes no time.
SCRATCH := $(shell df -k --output=avail /dev/shm 2>/dev/null | awk 'END { if ($$1 > 2000000) print "/dev/shm" }')
# Compiled code may be kept: each of the hundreds of programs that tests start would compile the shop anew.
TESTS := PYTHONDONTWRITEBYTECODE= $(SCRATCH:%=TMPDIR=%) $(BIN)/python -m pytest -n 3 --dist worksteal
# What `make torture` asks for where `make test` takes less, and the folder in which its tests leave their figures.
NIGHT := SIMULATION_SEEDS=50000 RACE_SEEDS=20 RECHECK_PAIRS=2000 HERD_VIEWS=2000 HERD_GUESTS=300 \
	HERD_DATABASES=sqlite,postgresql GUARDS=all \
	CRASH_DATABASES=sqlite,postgresql CRASH_STORIES=all CRASH_DEATHS=all CRASH_TWICE=1 \
	STRIPE_TROUBLE_DATABASES=sqlite,postgresql STRIPE_TROUBLE_PAIRS=1 HAVOC_SECONDS=900 LINK_CUTS=3000 \
	ORDERS=120 ORDER_DEATHS=2880 STORMS=16 BIG_BOOKINGS=95 BIG_STORMS=70 STORM_SEEDS=2 MACHINE_EXAMPLES=4000 \
	MONEY_CASES=125000 BALANCE_EXAMPLES=1000 PAGE_LOOKS=all
PROOFS := tests/simulation tests/concurrency tests/crash tests/histories tests/havoc tests/stripe_trouble tests/guards \
	tests/domain/test_money_adds_up.py tests/fakestripe/test_balance_property.py
# What else is too slow for daily work: whole stories, whole pages, the simulated Stripe itself, programs of others.
SLOW := tests/scenarios tests/pages tests/desk tests/fakestripe tests/stripe_judges tests/cli/test_drill.py \
	tests/cli/test_supervisor.py tests/gateways/test_pictures.py tests/test_security_headers.py tests/test_logs.py
FIGURES := var/figures
# Lines are counted in all tests but the simulation: that would take four times as long, and shows more than that a line
# was run.
COVERAGE := --cov=booking/domain --cov=booking/services --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

.PHONY: help demo demo-data demo-reset serve test test-fast torture mutants figures translations lighthouse screenshots \
	smoke-stripe bench bench-quick bench-fakestripe load drill guards lint clean

help:  ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: demo-data  ## The shop with its worker and a simulated Stripe; needs no account. Ctrl-C stops all.
	@exec $(RUN) demo $(PORTS)

demo-data: .venv/.installed
	@mkdir -p var
	@$(BIN)/python -m booking.cli.environment $(PORTS)
	@$(DEMO_ENV) $(FLASK) db upgrade 2>&1 | { grep -v '^INFO' || true; }
	@$(DEMO_ENV) $(FLASK) seed-demo

demo-reset:  ## Throw the demo's data away (not .env) and make it anew.
	@exec 9>>var/running.lock && flock -n 9 || { echo "Stop the running demo first."; exit 1; }; \
	rm -f var/holdfast.db* var/holdfast.queue.db* var/fakestripe.db* var/demo-staff-password; rm -rf var/media
	@$(MAKE) --no-print-directory demo-data

serve: .venv/.installed  ## The shop and its worker with the settings of .env, for a Stripe account of your own.
	@test -f .env || { echo "There is no .env: copy .env.example and fill it in."; exit 1; }
	@$(FLASK) db upgrade 2>&1 | { grep -v '^INFO' || true; }
	@exec $(RUN) serve $(PORTS)

test: lint .venv/load/.installed  ## Everything: style, types, the whole suite, coverage.
	@.ci/tools
	@$(TESTS) tests/simulation
	@$(TESTS) $(COVERAGE) --ignore=tests/simulation

test-fast: .venv/.installed-dev  ## The part for daily work: rules, services and pages, each for itself, on SQLite.
	@$(TESTS) -m "not browser and not race and not gunicorn and not postgresql" $(addprefix --ignore=,$(PROOFS) $(SLOW))

torture:  ## A night of proofs: 50,000 seeds, every crash on both databases, twenty races ... Takes hours.
	@.ci/tools
	@rm -rf $(FIGURES)
	@$(NIGHT) FIGURES=$(FIGURES) $(TESTS) $(PROOFS) tests/pages tests/desk
	@FIGURES=$(FIGURES) $(MAKE) --no-print-directory mutants figures

mutants: .venv/.installed-dev  ## Change the code of the money in thousands of small ways: a test must notice each.
	@$(BIN)/python -m tests.mutation

figures: .venv/.installed-dev  ## Take what was measured with FIGURES=var/figures over into docs/reliability.md and docs/pages.md.
	@$(BIN)/python -m tests.support.figures $(FIGURES)

translations: .venv/.installed  ## Collect the sentences for guests into the catalogues of booking/translations, and compile those.
	@$(BIN)/python -m booking.translations.collect

lighthouse: .venv/.installed-dev  ## Google's Lighthouse on the guest pages, the median of three; puts the table into docs/pages.md.
	@.ci/tools
	@$(BIN)/python -m tests.pages.lighthouse

screenshots: .venv/.installed-dev  ## A picture of every guest page in every state into var/screenshots, with a sheet of all.
	@.ci/tools
	@$(BIN)/python -m tests.pages.screenshots

smoke-stripe: .venv/.installed-dev  ## Ask Stripe's own sandbox what fakestripe answers too: STRIPE_SMOKE_KEY=sk_test_... make smoke-stripe
	@test -n "$(STRIPE_SMOKE_KEY)" || { echo "Set STRIPE_SMOKE_KEY to a test key (sk_test_...) of your own."; exit 1; }
	@$(BIN)/python -m pytest tests/stripe_judges/test_behaviours.py

bench: .venv/.installed-dev  ## How near the shop comes to what its stack can do: 10,000 units, both databases, a quarter of an hour.
	@$(BIN)/python -m benchmarks.performance

bench-quick: .venv/.installed-dev  ## The same with 100 units, in about a minute; writes nothing.
	@$(BIN)/python -m benchmarks.performance --quick

bench-fakestripe: .venv/.installed  ## How fast the simulated Stripe is, also with 20,000 objects in it.
	@$(BIN)/python -m benchmarks.fakestripe

load: .venv/.installed-dev .venv/load/.installed  ## Whole visits by more and more people, all of it on this machine; for docs/scaling.md.
	@$(BIN)/python -m benchmarks.load

drill: demo-data  ## Some two dozen named disasters, staged on this installation in a scratch database.
	@$(DEMO_ENV) $(FLASK) drill

guards: .venv/.installed-dev  ## Take each guard away once, and print which test misses it.
	@$(BIN)/python -m tests.guards.test_guards

lint: .venv/.installed-dev  ## Style and types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:  ## Remove the virtual environment and what tools have left behind; data stays.
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage mutants

.venv/.installed: requirements.txt
	@echo "Installing ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# Visitors by the hundred, in an environment of their own: what they need would change how the shop runs.
.venv/load/.installed: requirements-load.txt
	@$(PYTHON) -m venv .venv/load
	@.venv/load/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-load.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt requirements-metrics.txt requirements.txt
	@echo "Installing what the tests need ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
	@touch .venv/.installed
