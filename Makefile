# Everything a developer or a user types; each target installs what it needs first (Debian 12 or newer, root or sudo).
BUILD ?= build
PYTHON ?= /usr/bin/python3

.PHONY: all help build deps demo test lint bench matrix nginx-tests fuzz kube-up kube-down conformance conformance-matrix clean

all: build

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## Build the controller, sluicectl and the nginx module into build/
	@packaging/install-deps build
	@mkdir -p $(BUILD)
	@cmake -S . -B $(BUILD) -G Ninja -DSLUICE_TESTS=OFF > $(BUILD)/cmake.log 2>&1 || { cat $(BUILD)/cmake.log; exit 1; }
	@ninja -C $(BUILD)

demo: ## Set everything up and show Sluice at work (about a minute after the set-up)
	@packaging/install-deps run
	@$(MAKE) --no-print-directory build
	@$(PYTHON) test/demo/demo.py --build $(BUILD)

test: ## Set everything up and run all tests
	@packaging/install-deps test
	@$(PYTHON) test/run.py

lint: ## Format, clang-tidy on all files, ruff, shellcheck and the house's own checks
	@packaging/install-deps test
	@$(PYTHON) test/run.py lint --all

bench: ## Measurements, as ratios in one run
	@packaging/install-deps test
	@$(PYTHON) test/run.py bench

matrix: ## End-to-end tests on nginx 1.26 and 1.30, in chroots; the conformance suite on 1.30
	@packaging/install-deps test
	@$(PYTHON) test/run.py matrix

nginx-tests: ## nginx's own tests with and without the module; NGINX_TESTS=<path of a copy>
	@packaging/install-deps test
	@NGINX_TESTS="$(NGINX_TESTS)" $(PYTHON) test/run.py nginx-tests

fuzz: ## The long fuzz runs
	@packaging/install-deps test
	@$(PYTHON) test/run.py fuzz

kube-up: ## Start a Kubernetes cluster with the Gateway API on this machine (needs Go; the first time 7 to 12 minutes)
	@packaging/install-deps kube
	@$(PYTHON) test/cluster/kube.py up

kube-down: ## End it and remove all of it
	@$(PYTHON) test/cluster/kube.py down

conformance: ## One run of the official conformance suite, and its report; OPTIONS="--tests REGEX", see test/conformance/run.py
	@packaging/install-deps test
	@SLUICE_CONFORMANCE="$(OPTIONS)" $(PYTHON) test/run.py conformance

conformance-matrix: ## All runs: both suites, both bundles, 1, 2 and 4 workers; goes on where it was
	@packaging/install-deps test
	@$(PYTHON) test/run.py conformance-matrix

clean: ## Remove build products
	rm -rf $(BUILD)
