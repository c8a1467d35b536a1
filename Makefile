# What a developer or a new user does. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build release format setup-tests lint test demo bench clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Install what is missing: Debian packages and .deps/
	@scripts/setup

build: setup ## Build for development
	swift build

release: setup ## Build in release mode
	swift build -c release --product pregao

format: ## Format the Swift sources in place
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks

lint: ## Check the formatting
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks

setup-tests:
	@scripts/setup tests

test: setup-tests lint ## Set up, build, check the formatting, run every test (KILLS=10 kills, KAFKA=host:port)
	scripts/test

demo: release ## Collect from the local exchange for about a minute, and prove that nothing is missing
	scripts/demo

bench: release ## Run the benchmarks; figures go to Benchmarks/results/
	Benchmarks/run

clean: ## Remove what was built (.deps/ stays)
	rm -rf .build
