# Third-party programs of the sandbox, built from their pinned Go modules into
# bin/. Each is a file target on its go.mod: built once, rebuilt when the
# version moves. The times are for two cores and an empty build cache.

GO ?= go
TOOL_BUILD = GOFLAGS= GOWORK=off CGO_ENABLED=0 $(GO) build -C tools/$(1) -mod=readonly -trimpath -ldflags "-s -w $(2)" -o $(CURDIR)/bin/$(3)

KUBERNETES_VERSION = v1.35.4
KUBERNETES = kube-apiserver kube-controller-manager kube-scheduler
KUBERNETES_LDFLAGS = -X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35

TOOLS = $(addprefix bin/,etcd $(KUBERNETES) kwok temporal crds/gateway-api.yaml crds/envoy-gateway.yaml)

.PHONY: tools clean-tools
tools: $(TOOLS) ## Build the control plane, the node and the Temporal dev server of the sandbox

clean-tools:
	rm -rf $(TOOLS)

# One build for the three, because they share nearly everything.
$(addprefix bin/,$(KUBERNETES)) &: tools/kubernetes/go.mod tools/kubernetes/go.sum
	@echo "building Kubernetes $(KUBERNETES_VERSION) (about 5 minutes the first time)"
	@$(call TOOL_BUILD,kubernetes,$(KUBERNETES_LDFLAGS),) $(addprefix k8s.io/kubernetes/cmd/,$(KUBERNETES))

# etcd comes from the same module, so that what the API server's client
# compiled already is not compiled again.
bin/etcd: tools/kubernetes/go.mod tools/kubernetes/go.sum | bin/kube-apiserver
	@echo "building etcd (seconds after Kubernetes)"
	@$(call TOOL_BUILD,kubernetes,,etcd) go.etcd.io/etcd/server/v3

bin/kwok: tools/kwok/go.mod tools/kwok/go.sum
	@echo "building kwok (about 2 minutes the first time)"
	@$(call TOOL_BUILD,kwok,,kwok) sigs.k8s.io/kwok/cmd/kwok

bin/temporal: tools/temporal/go.mod tools/temporal/go.sum
	@echo "building the Temporal dev server (about 3 minutes the first time)"
	@$(call TOOL_BUILD,temporal,,temporal) github.com/temporalio/cli/cmd/temporal

# The module zip is all that is needed: nothing of it is compiled.
bin/crds/gateway-api.yaml bin/crds/envoy-gateway.yaml &: tools/crds/go.mod tools/crds/go.sum
	@echo "unpacking the CRDs of Gateway API and Envoy Gateway"
	@mkdir -p bin/crds
	@cd tools/crds && export GOFLAGS=-mod=readonly GOWORK=off && $(GO) mod download github.com/envoyproxy/gateway && \
		dir=$$($(GO) list -m -f '{{.Dir}}' github.com/envoyproxy/gateway)/charts/gateway-helm/crds && \
		cat "$$dir"/gatewayapi-crds.yaml > $(CURDIR)/bin/crds/gateway-api.yaml && \
		for f in "$$dir"/generated/*.yaml; do echo ---; cat "$$f"; done > $(CURDIR)/bin/crds/envoy-gateway.yaml
