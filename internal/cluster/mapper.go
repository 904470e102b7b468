package cluster

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// mapper knows the cluster's kinds and asks again when one is missing: CRDs come while the worker runs. That a kind is
// missing is said only when no CustomResourceDefinition of it is there, see [unlisted].
type mapper struct {
	meta.ResettableRESTMapper
	server rest.Interface
}

func newMapper(cached discovery.CachedDiscoveryInterface) *mapper {
	return &mapper{restmapper.NewDeferredDiscoveryRESTMapper(cached), cached.RESTClient()}
}

func (m *mapper) RESTMapping(gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	found, err := askAgain(m, func() (*meta.RESTMapping, error) { return m.ResettableRESTMapper.RESTMapping(gk, versions...) })
	if meta.IsNoMatchError(err) {
		if unsure := unlisted(m.server, gk, versions); unsure != nil {
			return nil, unsure
		}
	}
	return found, err
}

func (m *mapper) RESTMappings(gk schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	found, err := askAgain(m, func() ([]*meta.RESTMapping, error) { return m.ResettableRESTMapper.RESTMappings(gk, versions...) })
	if meta.IsNoMatchError(err) {
		if unsure := unlisted(m.server, gk, versions); unsure != nil {
			return nil, unsure
		}
	}
	return found, err
}

func (m *mapper) KindsFor(r schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	return askAgain(m, func() ([]schema.GroupVersionKind, error) { return m.ResettableRESTMapper.KindsFor(r) })
}

func (m *mapper) KindFor(r schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	return askAgain(m, func() (schema.GroupVersionKind, error) { return m.ResettableRESTMapper.KindFor(r) })
}

func (m *mapper) ResourceFor(r schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return askAgain(m, func() (schema.GroupVersionResource, error) { return m.ResettableRESTMapper.ResourceFor(r) })
}

func (m *mapper) ResourcesFor(r schema.GroupVersionResource) ([]schema.GroupVersionResource, error) {
	return askAgain(m, func() ([]schema.GroupVersionResource, error) { return m.ResettableRESTMapper.ResourcesFor(r) })
}

func askAgain[T any](m *mapper, ask func() (T, error)) (T, error) {
	answer, err := ask()
	if meta.IsNoMatchError(err) {
		m.Reset()
		return ask()
	}
	return answer, err
}

// Resource gives access to the objects of one kind. The namespace is ignored for cluster-wide kinds.
func (c *Client) Resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
	}
	return c.dynamic.Resource(mapping.Resource), nil
}

// Plural names the resource of a kind, as the API and its permissions know it.
func (c *Client) Plural(gvk schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	return mapping.Resource, nil
}

// Missing gives those kinds that the cluster does not serve in that version. It asks anew: kinds go, too.
func (c *Client) Missing(ctx context.Context, kinds []schema.GroupVersionKind) ([]schema.GroupVersionKind, error) {
	c.Rediscover()
	var missing []schema.GroupVersionKind
	for _, gvk := range kinds {
		_, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		switch {
		case meta.IsNoMatchError(err):
			missing = append(missing, gvk)
		case err != nil:
			return nil, Classify("reading the API resources of the cluster", err)
		}
	}
	return missing, Classify("reading the API resources of the cluster", ctx.Err())
}

// Unlisted gives those kinds that discovery lacks, all of them where it does not answer. It asks discovery once, and discovery alone:
// a kind whose CustomResourceDefinition is there is missing all the same.
func (c *Client) Unlisted(kinds []schema.GroupVersionKind) []schema.GroupVersionKind {
	c.Rediscover()
	var missing []schema.GroupVersionKind
	for _, gvk := range kinds {
		if _, err := c.mapper.ResettableRESTMapper.RESTMapping(gvk.GroupKind(), gvk.Version); err != nil {
			missing = append(missing, gvk)
		}
	}
	return missing
}

// Rediscover forgets which kinds the cluster serves: they are asked for when one is needed.
func (c *Client) Rediscover() { c.mapper.Reset() }

// Getter gives Helm this client's cluster, with the same cache of the cluster's kinds.
func (c *Client) Getter(namespace string) genericclioptions.RESTClientGetter {
	return &getter{client: c, namespace: namespace}
}

type getter struct {
	client    *Client
	namespace string
}

func (g *getter) ToRESTConfig() (*rest.Config, error) { return g.client.Config(), nil }

func (g *getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.client.discovery, nil
}

func (g *getter) ToRESTMapper() (meta.RESTMapper, error) {
	return g.client.mapper, nil
}

// ToRawKubeConfigLoader carries the namespace alone: that is all Helm reads from it.
func (g *getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	overrides := &clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: g.namespace}}
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), overrides)
}
