// Package cluster speaks to one Kubernetes API server: who may do what there, its objects and what they were, its kinds. It knows
// nothing of WSO2 or Helm.
package cluster

import (
	"context"
	"net/http"
	"os"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/internal/bounded"
	"lockstep/internal/failure"
	"lockstep/internal/fence"
)

// FieldManager owns the fields that Lockstep applies.
const FieldManager = "lockstep"

// Client speaks to one cluster. It is safe for concurrent use.
type Client struct {
	config    *rest.Config
	kube      kubernetes.Interface
	dynamic   dynamic.Interface
	reviews   authorization.AuthorizationV1Interface
	discovery discovery.CachedDiscoveryInterface
	mapper    *mapper
	inCluster bool        // the worker runs in the cluster it speaks to
	outdated  func() bool // the kubeconfig is another one by now; nil: there is none
}

// Reach is how a cluster is reached. Empty: as the cluster that the worker runs in, else as kubectl would.
type Reach struct {
	Kubeconfig, Context string
}

// New reaches the cluster that c names: its kubeconfig and context, else the cluster the worker runs in, else what
// kubectl would use (KUBECONFIG, then ~/.kube/config). Nothing is asked of the cluster yet.
func New(c Reach) (*Client, error) {
	source, _ := Source(c) // load says what cannot be read
	restConfig, inCluster, err := load(c)
	if err != nil {
		return nil, &failure.Error{Kind: failure.InvalidConfig, Doing: "reading cluster access", Cause: err,
			Next: "set kubeconfig and context in the cluster's file, or the setting kubeconfig, to what kubectl can use on the worker's machine"}
	}
	client, err := newClient(restConfig, inCluster)
	if err != nil {
		return nil, err
	}
	client.outdated = func() bool {
		current, err := Source(c)
		return err == nil && current != source
	}
	return client, nil
}

// NewForConfig speaks to the cluster of restConfig, from outside of it.
func NewForConfig(restConfig *rest.Config) (*Client, error) {
	return newClient(restConfig, false)
}

// Kube is the client of the API server's own kinds.
func (c *Client) Kube() kubernetes.Interface { return c.kube }

// Dynamic is the client of all kinds.
func (c *Client) Dynamic() dynamic.Interface { return c.dynamic }

// Config is how the API server is reached. It is the caller's own.
func (c *Client) Config() *rest.Config { return rest.CopyConfig(c.config) }

// InCluster says whether the worker runs in the cluster that it speaks to.
func (c *Client) InCluster() bool { return c.inCluster }

func load(c Reach) (_ *rest.Config, inCluster bool, _ error) {
	if restConfig := own(c); restConfig != nil {
		return restConfig, true, nil
	}
	if c.Kubeconfig != "" {
		if _, err := os.Stat(c.Kubeconfig); err != nil {
			return nil, false, err
		}
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: c.Context}
	restConfig, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules(c), overrides).ClientConfig()
	return restConfig, false, err
}

// own is the access to the cluster that the worker runs in, or nil.
func own(c Reach) *rest.Config {
	if c.Kubeconfig != "" || c.Context != "" {
		return nil
	}
	restConfig, err := rest.InClusterConfig()
	if err != nil {
		return nil
	}
	return restConfig
}

func rules(c Reach) *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	return rules
}

func newClient(base *rest.Config, inCluster bool) (*Client, error) {
	restConfig := rest.CopyConfig(base)
	// A deployment makes a few hundred requests in bursts; the API server's own fairness is limit enough.
	restConfig.QPS, restConfig.Burst = 100, 200
	restConfig.UserAgent = "lockstep"
	restConfig.WarningHandlerWithContext = rest.NoWarnings{}
	restConfig.Wrap(bounded.Transport)
	restConfig.Wrap(fence.Transport)
	restConfig.Wrap(watchesTransport)
	kube, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "making Kubernetes client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(restConfig)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "making Kubernetes client: %w", err)
	}
	unlimited := rest.CopyConfig(restConfig) // some hundred questions at once, each answered from memory
	unlimited.QPS = -1
	reviews, err := authorization.NewForConfig(unlimited)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "making Kubernetes client: %w", err)
	}
	cached := memory.NewMemCacheClient(kube.Discovery())
	return &Client{
		config: restConfig, kube: kube, dynamic: dyn, reviews: reviews, discovery: cached, mapper: newMapper(cached), inCluster: inCluster,
	}, nil
}

type openedKey struct{}

// WithOpened gives a context under which opened is called for each watch that the API server opens. Informers report only what failed.
func WithOpened(ctx context.Context, opened func()) context.Context {
	return context.WithValue(ctx, openedKey{}, opened)
}

// watchesTransport tells who asked for it of opened watches.
func watchesTransport(next http.RoundTripper) http.RoundTripper { return watches{next} }

type watches struct{ http.RoundTripper }

func (w watches) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.RoundTripper.RoundTrip(request)
	opened, _ := request.Context().Value(openedKey{}).(func())
	if opened != nil && err == nil && response.StatusCode == http.StatusOK && request.URL.Query().Has("watch") {
		opened()
	}
	return response, err
}

// WrappedRoundTripper lets client-go find what is under it.
func (w watches) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }
