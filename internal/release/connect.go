package release

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"lockstep/internal/failure"
	"lockstep/internal/fence"
	"lockstep/internal/release/history"
	"lockstep/internal/release/hook"
	"lockstep/internal/release/inventory"
	"lockstep/internal/release/snapshot"
)

// connect opens a namespace of the cluster. Discovery is done anew, as a step before may have made CRDs.
func (e *Engine) connect(ctx context.Context, namespace string, progress func(string)) (*session, error) {
	getter := leased{e.options.Getter(namespace), ctx}
	s := &session{Configuration: &action.Configuration{}}
	if err := s.Init(getter, namespace, "secret", s.listen(e.options.Log)); err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	capabilities, err := discover(getter)
	if err != nil {
		return nil, explained("asking the cluster for its version and APIs", err)
	}
	clients, err := s.KubernetesClientSet()
	if err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	s.snapshots = snapshot.NewStore(clients.CoreV1().Secrets(namespace))
	s.Releases = history.Storage(clients.CoreV1().Secrets(namespace), s.Log)
	s.Capabilities = capabilities
	s.waits = &waiter{ctx: ctx, hooks: hook.Waiter{Cluster: clients, Diagnose: e.options.Diagnose, Progress: progress}, progress: progress}
	client := kube.New(getter)
	client.Namespace, client.Log = namespace, s.Log
	s.KubeClient = &kubeClient{client, s.waits}
	return s, nil
}

// leased gives Helm a connection that refuses requests once the attempt is over that ctx belongs to: most of them know no context.
// The end of ctx alone refuses nothing, so that a cancelled action still puts on record how it ended.
type leased struct {
	genericclioptions.RESTClientGetter
	ctx context.Context
}

func (l leased) ToRESTConfig() (*rest.Config, error) {
	config, err := l.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return fence.Bound(l.ctx, next) })
	return config, nil
}

func discover(getter genericclioptions.RESTClientGetter) (*chartutil.Capabilities, error) {
	client, err := getter.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	client.Invalidate()
	mapper, err := getter.ToRESTMapper()
	if err != nil {
		return nil, err
	}
	meta.MaybeResetRESTMapper(mapper)
	version, err := client.ServerVersion()
	if err != nil {
		//lint:ignore ST1005 Kubernetes is a name
		return nil, fmt.Errorf("Kubernetes cluster unreachable: %w", err)
	}
	kinds, err := action.GetVersionSet(client)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // an aggregated API that is down is not our concern
		return nil, err
	}
	return &chartutil.Capabilities{
		APIVersions: kinds,
		KubeVersion: chartutil.KubeVersion{Version: version.GitVersion, Major: version.Major, Minor: version.Minor},
		HelmVersion: chartutil.DefaultCapabilities.HelmVersion,
	}, nil
}

// listen passes Helm's log on and keeps what Uninstall says only there.
func (s *session) listen(log func(string, ...any)) func(string, ...any) {
	return func(format string, args ...any) {
		if strings.HasPrefix(format, "uninstall: Failed to") {
			s.complaint = oneLine(fmt.Sprintf(format, args...))
		}
		log(format, args...)
	}
}

// explain turns an action's error into a problem. The cause is what the hook's wait found or what Helm only logged,
// where there is one.
func (s *session) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if s.waits != nil && s.waits.failed != nil {
		if _, found := failure.As(s.waits.failed); found {
			return failure.In(doing, s.waits.failed)
		}
		return explained(doing, s.waits.failed)
	}
	if s.complaint != "" {
		err = fmt.Errorf("%w (%s)", err, s.complaint)
	}
	return explained(doing, err)
}

// history is every revision of a release, the oldest first.
func (s *session) history(name string) (history.History, error) {
	revisions, err := history.Read(s.Releases, name)
	return revisions, explained("reading release "+name, err)
}

// record carries out an action that makes a revision.
func (s *session) record(how history.Recording, act func(*action.Configuration) error) error {
	return history.Record(s.Releases, how, func(records *storage.Storage) error {
		cfg := *s.Configuration
		cfg.Releases = records
		return act(&cfg)
	})
}

// inventory reads the objects of revisions.
func (s *session) inventory(name, namespace string, revisions history.History) (inventory.Inventory, error) {
	all := inventory.Inventory{Release: name, Namespace: namespace}
	if s.waits != nil {
		all.Spares = s.waits.found.Spares
	}
	for _, revision := range revisions {
		objects, _, err := inventory.Known([]byte(revision.Manifest), s.KubeClient.Build)
		if err != nil {
			return all, explained(fmt.Sprintf("reading the objects of revision %d of release %s", revision.Version, name), err)
		}
		all.Revisions = append(all.Revisions, objects)
	}
	return all, nil
}
