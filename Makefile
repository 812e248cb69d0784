# Every target in one line each: make help
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build run test test-unit test-integration test-systemd test-vm e2e lint fmt fmt-check tuner-pages proto proto-check facts-check conformance bench bench-nova soak check clean

prettier := node_modules/.bin/prettier --log-level warn

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  make %-17s %s\n", $$1, $$2 }'

setup: ## install what is missing (Debian packages with root, npm modules) and build
	@scripts/setup/install.sh --dev

build: ## compile TypeScript to build/
	@scripts/setup/build.sh

run: ## start a control plane and an agent on this machine
	@scripts/setup/install.sh
	@exec node build/scripts/run.js

test: setup ## run every test
	@scripts/test.sh all

test-unit: setup ## run the unit tests only
	@scripts/test.sh unit

test-integration: setup ## run the integration tests only
	@scripts/test.sh integration

test-systemd: setup ## run the tests on hosts with a systemd of their own only
	@scripts/test.sh systemd

test-vm: setup ## run the tuners in virtual machines: cgroup v2, two cells, sibling threads
	@node build/test/vm/main.js

e2e: setup ## one true power-off cycle of a host with guests, in a virtual machine
	@node build/test/vm/e2e.js

lint: ## lint with type information; warnings fail
	@scripts/lint.sh

fmt: ## format every file in place
	@$(prettier) --write .

fmt-check: ## fail when a file is not formatted
	@$(prettier) --check .

tuner-pages: build ## write docs/reference/tuners from the manuals of the tuners
	@node build/scripts/tuner-pages.js

proto: ## generate proto/gen from proto/drover/v1
	@sh scripts/proto.sh

proto-check: ## fail when proto/gen is stale
	@sh scripts/proto.sh --check

facts-check: ## compare host facts with captured hosts: make facts-check DUMPS=DIR
	@test -n "$(DUMPS)" || { echo "usage: make facts-check DUMPS=DIR" >&2; exit 64; }
	@scripts/setup/install.sh
	@node build/scripts/facts-check.js "$(DUMPS)"

conformance: ## compare placement with answers of the real Nova: make conformance VECTORS="FILE|FOLDER ..."
	@test -n "$(VECTORS)" || { echo 'usage: make conformance VECTORS="FILE|FOLDER ..."' >&2; exit 64; }
	@scripts/setup/install.sh >&2
	@node build/scripts/conformance.js $(VECTORS)

bench-nova: ## beside Nova's own filters and weighers, where python3-nova is installed
	@scripts/setup/install.sh
	@node build/scripts/bench-nova.js

soak: ## a million random claims, releases and moves while the control plane is killed: make soak [OPERATIONS=N]
	@scripts/setup/install.sh
	@node build/scripts/soak.js $(OPERATIONS)

bench: ## measure placement, the store and the session
	@scripts/setup/install.sh
	@node build/scripts/bench.js

check: ## what CI runs but the virtual machines: contract, format, lint, build, tests
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory proto-check
	@$(MAKE) --no-print-directory fmt-check
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test

clean: ## remove what was built
	@rm -rf build .tap
