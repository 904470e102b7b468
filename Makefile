# `make demo` and `make test` are all a fresh machine needs: Go, and nothing running.

.DEFAULT_GOAL := help
include tools/tools.mk

DIR ?= .sandbox
# The race detector needs a C compiler.
RACE := $(if $(shell command -v gcc 2>/dev/null),-race,)

# Programs, vet, staticcheck and unit tests share one build of all that they import; the race detector takes another.
ALIKE = CGO_ENABLED=0 GOFLAGS="$(strip $(shell $(GO) env GOFLAGS) -trimpath)"

# Tests are linked without debug information, which takes half the time; stack traces have their lines all the same. Lint vets them.
GOTEST = $(GO) test -vet=off -ldflags "-s -w"

# Each of these runs whole deployments in a sandbox of its own, and waits most of the time: two at a time keep two cores busy.
WORLDS := test/e2e test/matrix test/diagnosis test/chaos

# These take longest of the others, so they begin first.
LONG := internal/release starter activities sandbox/sandboxtest

# make chaos: a seed of 0 is drawn; with the seed of a run that failed and FAULTS=1 that run is done again.
FAULTS ?= 200
SEED ?= 0
PARALLEL ?= 2

DURATION ?= 1m

.PHONY: bench node node-down node-test browser chaos e2e matrix help build images compose-check compose-pin demo down test unit fuzz lint generate clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(GATEWAY_CHARTS) ## Build lockstep, worker and sandbox into bin/
	@test -x bin/lockstep || echo "building lockstep, worker and sandbox (about 3 minutes the first time)"
	@$(ALIKE) $(GO) build -ldflags "-s -w" -o bin/lockstep ./starter
	@$(ALIKE) $(GO) build -ldflags "-s -w" -o bin/worker ./worker
	@$(ALIKE) $(GO) build -ldflags "-s -w" -o bin/sandbox ./sandbox/cmd/sandbox

images: ## Build container images into dist/, and push them to IMAGES_REGISTRY=registry.example.com/lockstep
	@$(GO) run ./deploy/images -registry "$(IMAGES_REGISTRY)" -version "$(IMAGES_VERSION)" -source "$(IMAGES_SOURCE)"

demo: tools build ## Start a sandbox and a worker, deploy examples/quickstart.yaml and show the result
	@DIR=$(DIR) sh sandbox/demo.sh up

down: ## Stop what `make demo` left running
	@DIR=$(DIR) sh sandbox/demo.sh down

unit: ## Run all tests that need no sandbox
	@sh tools/timed.sh $(ALIKE) $(GOTEST) -short ./...

test: tools gateway build ## Run all tests: unit, workflows, activities, and deployments in a sandbox
	@LOCKSTEP_REQUIRE_SANDBOX=1 sh tools/timed.sh $(GOTEST) $(RACE) -timeout 40m $(LONG:%=./%) \
		$$($(GO) list ./... | grep -v -x -F "$$(printf 'lockstep/%s\n' $(WORLDS))")
	@LOCKSTEP_REQUIRE_SANDBOX=1 sh tools/timed.sh $(GOTEST) $(RACE) -timeout 40m -p 2 $(WORLDS:%=./%)

# Only a KUBECONFIG of make's command line counts, not one that the shell exports: the tests make and remove things there.
RUN ?= .
OTHER := $(if $(filter command,$(origin KUBECONFIG)),LOCKSTEP_TEST_KUBECONFIG="$(abspath $(KUBECONFIG))" LOCKSTEP_TEST_ENVIRONMENT="$(abspath $(ENVIRONMENT))" $(if $(CLUSTER),LOCKSTEP_TEST_CLUSTER="$(abspath $(CLUSTER))"))

chaos: tools gateway build ## Kill and break everything while operations run: FAULTS=200 SEED=n PARALLEL=2
	@cd test/chaos && $(OTHER) LOCKSTEP_REQUIRE_SANDBOX=1 $(GO) test -count=1 -v -timeout 8h -parallel $(PARALLEL) -run 'TestChaos$$' -args -faults $(FAULTS) -seed $(SEED) -sandboxes $(PARALLEL)

browser: tools gateway build test/browser/node_modules/.package-lock.json ## Use the Temporal UI in Chromium as operators do; takes node, npm and chromium
	@command -v chromium >/dev/null || { echo "no chromium: apt-get install chromium"; exit 1; }
	$(OTHER) LOCKSTEP_REQUIRE_SANDBOX=1 LOCKSTEP_REQUIRE_BROWSER=1 $(GOTEST) $(RACE) -count=1 -v -timeout 40m ./test/browser
	@echo "screenshots are in dist/screenshots/"

test/browser/node_modules/.package-lock.json: test/browser/package-lock.json
	@command -v npm >/dev/null || { echo "no npm: install Node.js 20 or newer, with npm"; exit 1; }
	@cd test/browser && npm ci --no-audit --no-fund
	@touch $@

matrix: tools gateway build ## Fail each step of a deployment from each starting state, and compare the world after the rollback: ONLY=cells, and as e2e KUBECONFIG, ENVIRONMENT, CLUSTER
	$(OTHER) LOCKSTEP_REQUIRE_SANDBOX=1 $(GO) test -count=1 -v -timeout 24h ./test/matrix -args -all $(if $(ONLY),-only '$(ONLY)')

e2e: tools gateway build ## Run whole operations in a sandbox, or on another cluster: KUBECONFIG=file ENVIRONMENT=file CLUSTER=file RUN=test
	$(OTHER) LOCKSTEP_REQUIRE_SANDBOX=1 $(GO) test -count=1 -v -timeout 8h -run '$(RUN)' ./test/e2e

# A real node: Linux and root.
NODE ?= .node
NODE_TESTS = TestOperations/(a deployment ends 0|a change that fails|an environment whose pods|a deployment whose worker is killed|a purge beside)

node: tools gateway node-tools build ## Start a real node with everything a deployment takes, as root on Linux: NODE=folder CHARTS=folder of real charts
	@bin/sandbox up --real-node --dir $(NODE) --is-boot 1s --apim-boot 2s $(if $(CHARTS),--charts-in $(abspath $(CHARTS)))
	@echo "for this shell: eval \"\$$(bin/sandbox env --dir $(NODE))\"; stop it with: make node-down"

node-down: ## Take the real node away, with all that it made
	@bin/sandbox down --dir $(NODE) --purge

node-test: node ## Run whole operations on the real node, and take it away: NODE_TESTS=pattern ENVIRONMENT=file
	@status=0; GO="$(GO)" ENVIRONMENT="$(abspath $(ENVIRONMENT))" sh tools/node-test.sh $(NODE) '$(NODE_TESTS)' || status=$$?; \
		test $$status = 0 || echo "the node stays for a look; take it away with: make node-down"; \
		test $$status != 0 || $(MAKE) --no-print-directory node-down; exit $$status

# Everything that reads what others wrote: files, stores, archives, answers of servers, requests.
FUZZED = ./config/clusters ./config/deploymenttoml ./config/environments ./internal/chart ./internal/cluster ./internal/image ./internal/keystore ./starter/api ./starter/api/auth ./workflows
FUZZTIME ?= 10s
GUIDED ?= yes

fuzz: ## Run every fuzz target for FUZZTIME=10s, one after the other; GUIDED=no builds less and finds less
	@$(ALIKE) GO="$(GO)" FUZZTIME=$(FUZZTIME) GUIDED=$(GUIDED) sh tools/fuzz.sh $(FUZZED)

bench: bin/temporal ## Put the API under load for a minute and print how everybody fared; DURATION=1m
	@LOCKSTEP_REQUIRE_SANDBOX=1 $(GOTEST) -count=1 -run '^TestLoad$$' -timeout 30m ./starter/api -v -args -load $(DURATION)

lint: bin/workflowcheck bin/goimports bin/staticcheck compose-check ## Check format, imports, vet, staticcheck, the determinism of workflows and the compose files
	@wrong=$$(bin/goimports -local lockstep -l $$(git ls-files '*.go')); \
		test -z "$$wrong" || { echo "not formatted, or imports not in groups (bin/goimports -local lockstep -w mends both):"; echo "$$wrong"; exit 1; }
	$(ALIKE) $(GO) vet ./...
	$(ALIKE) bin/staticcheck ./...
	bin/workflowcheck ./workflows/...

compose-check: ## Check the compose files
	@cd deploy/compose/check && GOFLAGS=-mod=readonly GOWORK=off $(GO) test -count=1 ./...

compose-pin: ## Ask registries for the digests of the images in the compose files, and write them behind the tags
	@$(GO) run ./deploy/compose/pin docker-compose.yml deploy/compose/trial.yml

generate: ## Make generated files anew
	$(GO) generate ./...

clean: down ## Remove everything that was built
	rm -rf bin dist

bin/workflowcheck: tools/workflowcheck/go.mod tools/workflowcheck/go.sum
	@echo "building workflowcheck (seconds)"
	@$(call TOOL_BUILD,workflowcheck,,workflowcheck) go.temporal.io/sdk/contrib/tools/workflowcheck

# One build for both, because they share most of what they are made of.
bin/goimports bin/staticcheck &: tools/lint/go.mod tools/lint/go.sum
	@echo "building goimports and staticcheck (half a minute)"
	@$(call TOOL_BUILD,lint,,) golang.org/x/tools/cmd/goimports honnef.co/go/tools/cmd/staticcheck
