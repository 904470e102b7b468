package envoy

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// What the simulation watches.
var (
	gatewayClasses  = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "gatewayclasses"}
	gateways        = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "gateways"}
	httpRoutes      = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "httproutes"}
	tlsPolicies     = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "backendtlspolicies"}
	trafficPolicies = schema.GroupVersionResource{Group: "gateway.envoyproxy.io", Version: "v1alpha1", Resource: "backendtrafficpolicies"}
	envoyProxies    = schema.GroupVersionResource{Group: "gateway.envoyproxy.io", Version: "v1alpha1", Resource: "envoyproxies"}
	services        = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	secrets         = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	configMaps      = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	nodes           = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

func watched() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{
		gatewayClasses, gateways, httpRoutes, tlsPolicies, trafficPolicies, envoyProxies,
		services, secrets, configMaps, serviceAccounts, nodes, deployments,
	}
}

// connect makes a client by kubeconfig.
func connect(kubeconfig string) (dynamic.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	config.UserAgent = "simulated-envoy-gateway"
	config.WarningHandler = rest.NoWarnings{} // about names that are Envoy Gateway's own
	return dynamic.NewForConfig(config)
}

// watcher holds what is in the cluster, and tells when that changes.
type watcher struct {
	listers map[schema.GroupVersionResource]cache.GenericLister
	changed chan struct{}
}

// watch starts to watch and returns when all is there. It fails if a kind is not installed, as the real controller does.
func watch(ctx context.Context, client dynamic.Interface) (*watcher, error) {
	for _, resource := range watched() {
		if _, err := client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return nil, fmt.Errorf("listing %s: %w", resource.GroupResource(), err)
		}
	}
	w := &watcher{listers: map[schema.GroupVersionResource]cache.GenericLister{}, changed: make(chan struct{}, 1)}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	handlers := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { w.signal() }, UpdateFunc: func(any, any) { w.signal() }, DeleteFunc: func(any) { w.signal() },
	}
	for _, resource := range watched() {
		informer := factory.ForResource(resource)
		if _, err := informer.Informer().AddEventHandler(handlers); err != nil {
			return nil, fmt.Errorf("watching %s: %w", resource.GroupResource(), err)
		}
		w.listers[resource] = informer.Lister()
	}
	factory.Start(ctx.Done())
	for resource, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("watching %s: stopped before the first list", resource.GroupResource())
		}
	}
	return w, nil
}

func (w *watcher) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// world reads what is there now.
func (w *watcher) world(namespace, controller string) (*world, error) {
	now := &world{namespace: namespace, controller: controller}
	for _, read := range []func() error{
		into(w, gatewayClasses, &now.classes), into(w, gateways, &now.gateways), into(w, httpRoutes, &now.routes),
		into(w, tlsPolicies, &now.tlsPolicies), into(w, trafficPolicies, &now.trafficPolicies), into(w, envoyProxies, &now.proxies),
		into(w, services, &now.services), into(w, secrets, &now.secrets), into(w, configMaps, &now.configMaps),
		into(w, serviceAccounts, &now.accounts), into(w, nodes, &now.nodes), into(w, deployments, &now.deployments),
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// into reads all objects of a resource into a slice of their type.
func into[T any](w *watcher, resource schema.GroupVersionResource, slice *[]T) func() error {
	return func() error {
		objects, err := w.listers[resource].List(labels.Everything())
		if err != nil {
			return fmt.Errorf("reading %s: %w", resource.GroupResource(), err)
		}
		for _, object := range objects {
			raw, err := json.Marshal(object.(*unstructured.Unstructured).Object)
			if err != nil {
				return fmt.Errorf("reading %s: %w", resource.GroupResource(), err)
			}
			var typed T
			if err := json.Unmarshal(raw, &typed); err != nil {
				return fmt.Errorf("reading %s: %w", resource.GroupResource(), err)
			}
			*slice = append(*slice, typed)
		}
		return nil
	}
}
