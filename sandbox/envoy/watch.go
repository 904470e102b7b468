package envoy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// source is one resource that is watched.
type source struct {
	resource  schema.GroupVersionResource
	namespace string // "" is all
	selector  string // of fields; "" is all
	decode    cache.TransformFunc
}

func of[T any](resource schema.GroupVersionResource) source {
	return source{resource: resource, decode: typed[T]}
}

func (s source) in(namespace string) source {
	s.namespace = namespace
	return s
}

func (s source) where(selector string) source {
	s.selector = selector
	return s
}

// The records of Helm's releases are the largest Secrets of a cluster, change most, and hold no certificates.
const notHelms = "type!=helm.sh/release.v1"

// ofController is what the controller in namespace decides from.
func ofController(namespace string) []source {
	return []source{
		of[gatewayClass](gatewayClasses), of[gateway](gateways), of[httpRoute](httpRoutes),
		of[policy](tlsPolicies), of[policy](trafficPolicies), of[envoyProxy](envoyProxies),
		of[corev1.Service](services), of[corev1.Secret](secrets).where(notHelms), of[corev1.ConfigMap](configMaps), of[corev1.Node](nodes),
		of[corev1.ServiceAccount](serviceAccounts).in(namespace), of[appsv1.Deployment](deployments).in(namespace),
	}
}

// ofProxy is what the proxy of one Gateway decides from, and no more: in a cluster with many, each change wakes them all.
func ofProxy(namespace, name string) []source {
	return []source{
		of[gatewayClass](gatewayClasses), of[gateway](gateways).in(namespace).where("metadata.name=" + name), of[httpRoute](httpRoutes),
		of[policy](tlsPolicies), of[corev1.Service](services), of[corev1.ConfigMap](configMaps),
		of[corev1.Secret](secrets).in(namespace).where(notHelms),
	}
}

// watcher holds what is in the cluster, and tells when that changes.
type watcher struct {
	stores  map[schema.GroupVersionResource]cache.Store
	pairs   *pairs
	changed chan struct{}
}

// watch starts to watch and returns when all is there. It fails if a kind is not installed, as the real controller does.
func watch(ctx context.Context, client dynamic.Interface, sources []source) (*watcher, error) {
	for _, s := range sources {
		if _, err := client.Resource(s.resource).Namespace(s.namespace).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return nil, fmt.Errorf("listing %s: %w", s.resource.GroupResource(), err)
		}
	}
	w := &watcher{stores: map[schema.GroupVersionResource]cache.Store{}, pairs: newPairs(), changed: make(chan struct{}, 1)}
	handlers := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { w.signal() }, UpdateFunc: func(any, any) { w.signal() }, DeleteFunc: func(any) { w.signal() },
	}
	var synced []cache.InformerSynced
	for _, s := range sources {
		informer := s.informer(client)
		if err := informer.SetTransform(s.decode); err != nil {
			return nil, fmt.Errorf("watching %s: %w", s.resource.GroupResource(), err)
		}
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return nil, fmt.Errorf("watching %s: %w", s.resource.GroupResource(), err)
		}
		w.stores[s.resource] = informer.GetStore()
		synced = append(synced, informer.HasSynced)
		go informer.Run(ctx.Done())
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil, errors.New("watching: stopped before the first list")
	}
	return w, nil
}

func (s source) informer(client dynamic.Interface) cache.SharedIndexInformer {
	return dynamicinformer.NewFilteredDynamicInformer(client, s.resource, s.namespace, 0, cache.Indexers{}, func(o *metav1.ListOptions) {
		o.FieldSelector = s.selector
	}).Informer()
}

func (w *watcher) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// world is what is there now. Its objects are the watcher's own: read only.
func (w *watcher) world(namespace, controller string) *world {
	return &world{
		namespace: namespace, controller: controller, pairs: w.pairs,
		classes: all[gatewayClass](w, gatewayClasses), gateways: all[gateway](w, gateways), routes: all[httpRoute](w, httpRoutes),
		tlsPolicies: all[policy](w, tlsPolicies), trafficPolicies: all[policy](w, trafficPolicies), proxies: all[envoyProxy](w, envoyProxies),
		services: all[corev1.Service](w, services), secrets: all[corev1.Secret](w, secrets), configMaps: all[corev1.ConfigMap](w, configMaps),
		accounts: all[corev1.ServiceAccount](w, serviceAccounts), nodes: all[corev1.Node](w, nodes), deployments: all[appsv1.Deployment](w, deployments),
	}
}

// all are the objects of a resource; none if that is not watched.
func all[T any](w *watcher, resource schema.GroupVersionResource) []T {
	store, watched := w.stores[resource]
	if !watched {
		return nil
	}
	var objects []T
	for _, object := range store.List() {
		objects = append(objects, *object.(*T))
	}
	return objects
}

// typed decodes an object as it arrives, once, so that a look at all of them costs next to nothing.
func typed[T any](object any) (any, error) {
	untyped, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil // typed already, or the tombstone of an object whose end was missed
	}
	untyped.SetManagedFields(nil)
	raw, err := json.Marshal(untyped.Object)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", untyped.GetKind(), untyped.GetName(), err)
	}
	made := new(T)
	if err := json.Unmarshal(raw, made); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", untyped.GetKind(), untyped.GetName(), err)
	}
	return made, nil
}
