# Third-party programs of the sandbox, built from their pinned Go modules into
# bin/. Each is a file target on its go.mod: built once, rebuilt when the
# version moves. The times are for two cores and an empty build cache.

GO ?= go
TOOL_BUILD = GOFLAGS= GOWORK=off CGO_ENABLED=0 $(GO) build -C tools/$(1) -mod=readonly -trimpath -ldflags "-s -w $(2)" -o $(CURDIR)/bin/$(3)

KUBERNETES_VERSION = v1.35.4
KUBERNETES = kube-apiserver kube-controller-manager kube-scheduler
KUBERNETES_LDFLAGS = -X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35

GATEWAY_CHART = bin/charts/gateway-helm
TOOLS = $(addprefix bin/,etcd $(KUBERNETES) kwok temporal) $(GATEWAY_CHART)/Chart.yaml

.PHONY: tools clean-tools
tools: $(TOOLS) ## Build the control plane, the node and the Temporal dev server of the sandbox, and unpack the gateway chart

clean-tools:
	rm -rf $(TOOLS) bin/charts

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

# The chart as its release has it: image and version are placeholders in the module. Nothing of the module is compiled.
$(GATEWAY_CHART)/Chart.yaml: tools/gateway/go.mod tools/gateway/go.sum
	@echo "unpacking the chart of Envoy Gateway, with its CRDs and those of Gateway API"
	@rm -rf $(GATEWAY_CHART) $(GATEWAY_CHART).new && mkdir -p $(GATEWAY_CHART).new
	@cd tools/gateway && export GOFLAGS=-mod=readonly GOWORK=off && module=github.com/envoyproxy/gateway && $(GO) mod download $$module && \
		dir=$$($(GO) list -m -f '{{.Dir}}' $$module)/charts/gateway-helm && version=$$($(GO) list -m -f '{{.Version}}' $$module) && \
		cd $(CURDIR)/$(GATEWAY_CHART).new && cp -R "$$dir"/. . && chmod -R u+w . && rm values.tmpl.yaml && \
		sed -e "s|\$${GatewayImage}|docker.io/envoyproxy/gateway:$$version|" -e "s|\$${GatewayImagePullPolicy}|IfNotPresent|" "$$dir"/values.tmpl.yaml > values.yaml && \
		sed -e "s|^version: .*|version: $$version|" -e "s|^appVersion: .*|appVersion: $$version|" "$$dir"/Chart.yaml > Chart.yaml
	@mv $(GATEWAY_CHART).new $(GATEWAY_CHART)
