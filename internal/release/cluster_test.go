package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest/fake"

	"lockstep/internal/manifest"
)

// memoryCluster keeps objects by kind and name, in one namespace, behind Helm's client interface, and releases in
// Helm's memory driver. It can be told to fail.
type memoryCluster struct {
	kubefake.PrintingKubeClient
	releases *storage.Storage

	mutex   sync.Mutex
	objects map[string]map[string]any
	// createErr, updateErr and hookErr are returned in place of doing anything.
	createErr, updateErr, hookErr error
	// stubborn objects stay when they are deleted.
	stubborn map[string]bool
	calls    []string
	// unknown kinds have lost their CustomResourceDefinition.
	unknown string
	waits   *waiter
}

func newMemoryCluster() *memoryCluster {
	records := driver.NewMemory()
	records.SetNamespace("apps")
	return &memoryCluster{PrintingKubeClient: kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard},
		releases: storage.Init(records), objects: map[string]map[string]any{}, stubborn: map[string]bool{}}
}

// engine is one whose every connection leads to c.
func (c *memoryCluster) engine(options Options) *Engine {
	e := New(options)
	e.open = func(ctx context.Context, _ string, progress func(string)) (*session, error) {
		s := &session{Configuration: &action.Configuration{
			Releases: c.releases, KubeClient: c, Capabilities: chartutil.DefaultCapabilities.Copy(),
		}}
		s.Log = s.listen(e.options.Log)
		s.waits = &waiter{ctx: ctx, progress: progress}
		c.waits = s.waits
		return s, nil
	}
	return e
}

func (c *memoryCluster) Build(manifest io.Reader, _ bool) (kube.ResourceList, error) {
	return c.waits.build(manifest, c.build)
}

func (c *memoryCluster) build(text io.Reader, _ bool) (kube.ResourceList, error) {
	data, err := io.ReadAll(text)
	if err != nil {
		return nil, err
	}
	objects, err := manifest.Decode(data)
	var list kube.ResourceList
	for _, object := range objects {
		if object.GetKind() == c.unknown {
			return nil, &meta.NoKindMatchError{GroupKind: object.GroupVersionKind().GroupKind()}
		}
		list = append(list, c.info(object))
	}
	return list, err
}

func (c *memoryCluster) info(object *unstructured.Unstructured) *resource.Info {
	kind := object.GroupVersionKind()
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return &resource.Info{
		Client:  &fake.RESTClient{NegotiatedSerializer: resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer, Client: fake.CreateHTTPClient(c.serve)},
		Mapping: &meta.RESTMapping{Resource: plural, GroupVersionKind: kind, Scope: meta.RESTScopeNamespace},
		Name:    object.GetName(), Namespace: "apps", Object: object,
	}
}

func (c *memoryCluster) serve(request *http.Request) (*http.Response, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := path.Base(path.Dir(request.URL.Path)) + "/" + path.Base(request.URL.Path)
	status, body := http.StatusOK, any(c.objects[key])
	if c.objects[key] == nil {
		status, body = http.StatusNotFound, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
			Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
	}
	data, err := json.Marshal(body)
	if request.Method == http.MethodPatch && status == http.StatusOK { // a dry run
		var patch, merged map[string]any
		err = errors.Join(err, json.NewDecoder(request.Body).Decode(&patch), json.Unmarshal(data, &merged))
		merge(merged, patch)
		data, _ = json.Marshal(merged)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(data))}, err
}

// merge merges a patch without deletions and lists.
func merge(into, patch map[string]any) {
	for name, value := range patch {
		part, isMap := value.(map[string]any)
		if old, both := into[name].(map[string]any); isMap && both {
			merge(old, part)
			continue
		}
		into[name] = value
	}
}

func key(info *resource.Info) string { return info.Mapping.Resource.Resource + "/" + info.Name }

func (c *memoryCluster) Create(list kube.ResourceList) (*kube.Result, error) {
	if c.createErr != nil {
		return nil, c.createErr
	}
	c.put("create", list)
	return &kube.Result{Created: list}, nil
}

func (c *memoryCluster) Update(original, target kube.ResourceList, force bool) (*kube.Result, error) {
	return c.waits.inventory.Update(c, original, target, force)
}

func (c *memoryCluster) UpdateThreeWayMerge(_, target kube.ResourceList, _ bool) (*kube.Result, error) {
	if c.updateErr != nil {
		return &kube.Result{}, c.updateErr
	}
	c.put("update", target)
	return &kube.Result{Updated: target}, nil
}

func (c *memoryCluster) put(verb string, list kube.ResourceList) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, info := range list {
		object := info.Object.(*unstructured.Unstructured).DeepCopy()
		object.SetNamespace(info.Namespace)
		c.objects[key(info)] = object.Object
		c.calls = append(c.calls, verb+" "+key(info))
	}
}

func (c *memoryCluster) Delete(list kube.ResourceList) (*kube.Result, []error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, info := range list {
		c.calls = append(c.calls, "delete "+key(info))
		if !c.stubborn[key(info)] {
			delete(c.objects, key(info))
		}
	}
	return &kube.Result{Deleted: list}, nil
}

func (c *memoryCluster) DeleteWithPropagationPolicy(list kube.ResourceList, _ metav1.DeletionPropagation) (*kube.Result, []error) {
	return c.Delete(list)
}

func (c *memoryCluster) WatchUntilReady(kube.ResourceList, time.Duration) error { return c.hookErr }

func (c *memoryCluster) Get(kube.ResourceList, bool) (map[string][]runtime.Object, error) {
	return nil, nil
}

// has lists the objects there are.
func (c *memoryCluster) has() []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	keys := []string{}
	for key := range c.objects {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// history is the status of each revision of release web, oldest first.
func (c *memoryCluster) history(t *testing.T) string {
	t.Helper()
	revisions, err := c.releases.History("web")
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(revisions, func(i, j int) bool { return revisions[i].Version < revisions[j].Version })
	var statuses []string
	for _, revision := range revisions {
		statuses = append(statuses, revision.Info.Status.String())
	}
	return strings.Join(statuses, " ")
}

// leave sets the newest revision to a status, as a killed process would leave it.
func (c *memoryCluster) leave(t *testing.T, status helmrelease.Status) {
	t.Helper()
	c.change(t, func(r *helmrelease.Release) { r.Info.Status = status })
}

// upgradedByHand adds a revision as helm upgrade makes it: with the labels of the one before.
func (c *memoryCluster) upgradedByHand(t *testing.T) {
	t.Helper()
	c.leave(t, helmrelease.StatusSuperseded)
	last, err := c.releases.Last("web")
	if err != nil {
		t.Fatal(err)
	}
	next, info := *last, *last.Info
	info.Status, info.Description = helmrelease.StatusDeployed, "Upgrade complete"
	next.Version, next.Info = last.Version+1, &info
	if err := c.releases.Create(&next); err != nil {
		t.Fatal(err)
	}
}

// changedByHand gives an object's text another value.
func (c *memoryCluster) changedByHand(t *testing.T, key string) {
	t.Helper()
	data, isMap := c.objects[key]["data"].(map[string]any)
	if !isMap {
		t.Fatalf("%s is %v", key, c.objects[key])
	}
	for name := range data {
		data[name] = "by hand"
	}
}

// change edits the record of the newest revision.
func (c *memoryCluster) change(t *testing.T, edit func(*helmrelease.Release)) {
	t.Helper()
	last, err := c.releases.Last("web")
	if err != nil {
		t.Fatal(err)
	}
	edit(last)
	if err := c.releases.Update(last); err != nil {
		t.Fatal(err)
	}
}

// uninstalledByHand does as helm uninstall --keep-history.
func (c *memoryCluster) uninstalledByHand(t *testing.T) {
	t.Helper()
	delete(c.objects, "configmaps/web")
	c.change(t, func(r *helmrelease.Release) { r.SetStatus(helmrelease.StatusUninstalled, "Uninstallation complete") })
}

// forgotten does as helm uninstall.
func (c *memoryCluster) forgotten(t *testing.T) {
	t.Helper()
	c.uninstalledByHand(t)
	if err := (&session{Configuration: &action.Configuration{Releases: c.releases}}).forget("web"); err != nil {
		t.Fatal(err)
	}
}

// disown makes the newest revision one that Lockstep did not make.
func (c *memoryCluster) disown(t *testing.T) {
	t.Helper()
	c.change(t, func(r *helmrelease.Release) { r.Labels, r.Info.Description = nil, "Install complete" })
}

// brokenDriver stops writing after good writes.
type brokenDriver struct {
	driver.Driver
	good int
}

func (d *brokenDriver) Create(key string, r *helmrelease.Release) error {
	return d.write(func() error { return d.Driver.Create(key, r) })
}

func (d *brokenDriver) Update(key string, r *helmrelease.Release) error {
	return d.write(func() error { return d.Driver.Update(key, r) })
}

func (d *brokenDriver) write(do func() error) error {
	if d.good--; d.good < 0 {
		return errors.New("connection refused")
	}
	return do()
}
