package release_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"lockstep/internal/release"
)

// arc is something done to a release. It is tried once for each write that it makes to the cluster, with the worker
// dying there or with the answer lost.
type arc struct {
	prepare func(*testing.T, *try)            // what is there before the run begins; nil: nothing
	first   func(*testing.T, *try)            // what the run has done already; nil: nothing
	do      func(*try, *release.Engine) error // is done with the fault
	then    func(*try, *release.Engine) error // is done after it; nil: do
	back    bool                              // it leads to what was there before the run, else to where do leads without a fault
}

func arcs() map[string]arc {
	return map[string]arc{
		"an installation":                      {do: apply("one")},
		"an upgrade":                           {prepare: runs("one"), do: apply("two")},
		"an upgrade over a failed one":         {prepare: runs("one", "bad"), do: apply("two")},
		"uninstalling":                         {prepare: runs("one", "two"), do: uninstall},
		"uninstalling what failed":             {prepare: runs("one", "bad"), do: uninstall},
		"undoing half an installation":         {do: apply("one"), then: restore, back: true},
		"undoing an installation":              {first: runs("one"), do: restore, back: true},
		"undoing half an upgrade":              {prepare: runs("one"), do: apply("two"), then: restore, back: true},
		"undoing an upgrade":                   {prepare: runs("one"), first: runs("two"), do: restore, back: true},
		"undoing what a changed file began":    {prepare: runs("one"), do: apply("two"), then: inTurn(apply("three"), restore), back: true},
		"undoing the upgrade of a failed one":  {prepare: runs("one", "bad"), do: apply("two"), then: restore, back: true},
		"undoing what mended a failed upgrade": {prepare: runs("one", "bad"), first: runs("two"), do: restore, back: true},
		"undoing what mended a failed install": {prepare: runs("bad"), first: runs("one"), do: restore, back: true},
		"undoing what brought an object back":  {prepare: lost, do: apply("one"), then: restore, back: true},
		"undoing what had brought one back":    {prepare: lost, first: runs("one"), do: restore, back: true},
	}
}

func (s suite) faults(t *testing.T) {
	s.makeKind(t, gizmos())
	s.charts, s.engine = chartFolders(t), s.through(&fault{after: math.MaxInt})
	all := arcs()
	maps.Copy(all, orphanArcs())
	for name, a := range all {
		t.Run(name+", and the worker dies", func(t *testing.T) { s.all(t, a, false) })
		if !a.back {
			t.Run(name+", and an answer is lost", func(t *testing.T) { s.all(t, a, true) })
		}
	}
}

// gizmos are a kind of these tests alone: another removes its own.
func gizmos() string { return strings.ReplaceAll(gadgets, "adget", "izmo") }

// all tries an arc without a fault, and then with one at each of the writes that this took, side by side.
func (s suite) all(t *testing.T, a arc, once bool) {
	t.Parallel()
	want, none := s.reference(t, a), &fault{after: math.MaxInt}
	s.survives(t, a, none, want)
	for after := range none.seen {
		t.Run(fmt.Sprintf("at write %d", after), func(t *testing.T) {
			t.Parallel()
			s.survives(t, a, &fault{after: after, once: once}, want)
		})
	}
}

// reference is where an arc leads without a fault.
func (s suite) reference(t *testing.T, a arc) string {
	if a.back {
		return ""
	}
	r := s.try(t, a)
	if err := a.do(r, s.engine); err != nil {
		t.Fatal(err)
	}
	return r.picture(t, false)
}

// survives tries an arc with a fault.
func (s suite) survives(t *testing.T, a arc, f *fault, want string) {
	t.Helper()
	r := s.try(t, a)
	if a.back {
		want = r.was
	}
	err := a.do(r, s.through(f))
	if !r.whole && r.objects(t) != "" && r.records(t, false) == "" {
		t.Errorf("after write %d there are objects without a release", f.after)
	}
	then := a.then
	if then == nil {
		then = a.do
	}
	if err != nil || a.then != nil {
		if err := then(r, s.engine); err != nil {
			t.Fatalf("after write %d: %v", f.after, err)
		}
	}
	if diff := cmp.Diff(want, r.picture(t, a.back)); diff != "" {
		t.Fatalf("after a fault at write %d it ends otherwise (-want +got):\n%s", f.after, diff)
	}
}

// through is the engine of a worker that a fault befalls.
func (s suite) through(f *fault) *release.Engine {
	o := s.options
	o.Getter = func(namespace string) genericclioptions.RESTClientGetter {
		return faulty{s.cluster.Getter(namespace), f}
	}
	return release.New(o)
}

// fault lets the worker die after so many writes, or loses the answer to the one after them.
type fault struct {
	after int
	once  bool
	mutex sync.Mutex
	seen  int
}

// kill lets nothing through any more.
func (f *fault) kill() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.after = -1
}

func (f *fault) strikes(write bool) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if write {
		f.seen++
	}
	if f.once {
		return write && f.seen == f.after+1
	}
	return f.seen > f.after
}

// through sends a request, unless the worker is dead.
func (f *fault) through(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	strikes := f.strikes(r.Method != http.MethodGet)
	if !strikes {
		return next.RoundTrip(r)
	}
	if f.once {
		if response, err := next.RoundTrip(r); err == nil {
			response.Body.Close()
		}
	}
	return nil, errors.New("connection reset by peer")
}

type faulty struct {
	genericclioptions.RESTClientGetter
	fault *fault
}

func (f faulty) ToRESTConfig() (*rest.Config, error) {
	c, err := f.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	c = rest.CopyConfig(c)
	c.QPS = -1
	c.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return f.fault.through(next, r) })
	})
	return c, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// try is one try of an arc, in a namespace of its own.
type try struct {
	suite
	namespace string
	before    release.State // what the run saw when it began
	was       string        // the picture of it
	whole     bool          // the picture is of all kinds, and of what hooks made
	claim     types.UID     // of the volume claim when it was first seen
}

func (s suite) try(t *testing.T, a arc) *try {
	t.Helper()
	namespace, err := s.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "try-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := &try{suite: s, namespace: namespace.Name}
	if a.prepare != nil {
		a.prepare(t, r)
	}
	if r.before, err = s.engine.Look(t.Context(), r.namespace, "web"); err != nil {
		t.Fatal(err)
	}
	r.was = r.picture(t, true)
	if a.first != nil {
		a.first(t, r)
	}
	return r
}

// runs applies charts, one after the other, of which "bad" fails half-way.
func runs(charts ...string) func(*testing.T, *try) {
	return func(t *testing.T, r *try) {
		for _, chart := range charts {
			if err := apply(chart)(r, r.engine); (err != nil) != strings.HasSuffix(chart, "bad") {
				t.Fatalf("applying chart %s: %v", chart, err)
			}
		}
	}
}

// lost is a release of which somebody deleted an object.
func lost(t *testing.T, r *try) {
	runs("one")(t, r)
	if err := r.client.CoreV1().ConfigMaps(r.namespace).Delete(t.Context(), "old", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func apply(chart string) func(*try, *release.Engine) error {
	return func(r *try, e *release.Engine) error {
		spec := release.Spec{Name: "web", Namespace: r.namespace, Owner: "dev", Run: "run", Before: r.before, Timeout: time.Minute}
		spec.Chart.Path = r.charts[chart]
		_, err := e.Apply(context.Background(), spec, nil)
		return err
	}
}

func restore(r *try, e *release.Engine) error {
	if err := e.Restore(context.Background(), release.Undo{Name: "web", Namespace: r.namespace, Owner: "dev", Run: "run", Before: r.before}, nil); err != nil {
		return err
	}
	return e.Forget(context.Background(), r.namespace, "web", "dev")
}

func uninstall(r *try, e *release.Engine) error {
	return e.Uninstall(context.Background(), r.namespace, "web", nil)
}

func inTurn(steps ...func(*try, *release.Engine) error) func(*try, *release.Engine) error {
	return func(r *try, e *release.Engine) error {
		for _, step := range steps {
			if err := step(r, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// picture is the release with its objects, with the times of its records where it is compared with itself.
func (r *try) picture(t *testing.T, times bool) string {
	t.Helper()
	return strings.ReplaceAll(r.records(t, times)+r.objects(t), r.namespace, "NAMESPACE")
}

func (r *try) records(t *testing.T, times bool) string {
	t.Helper()
	all, err := storage.Init(driver.NewSecrets(r.client.CoreV1().Secrets(r.namespace))).History("web")
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b *helmrelease.Release) int { return a.Version - b.Version })
	var picture strings.Builder
	for _, record := range all {
		for _, label := range []string{"createdAt", "modifiedAt"} {
			delete(record.Labels, label)
		}
		if r.whole && !times { // the namespace is in a name
			delete(record.Labels, "lockstep.dev/fingerprint")
		}
		if !times {
			record.Info.FirstDeployed, record.Info.LastDeployed, record.Info.Deleted = helmtime.Time{}, helmtime.Time{}, helmtime.Time{}
			for _, hook := range record.Hooks {
				hook.LastRun = helmrelease.HookExecution{Phase: hook.LastRun.Phase}
			}
		}
		record.Chart.Files = nil
		fmt.Fprintf(&picture, "revision %d %v\n%s\n", record.Version, record.Labels, indented(t, record))
	}
	return picture.String()
}

func (r *try) objects(t *testing.T) string {
	t.Helper()
	var picture strings.Builder
	for _, kind := range []string{"v1 ConfigMap", "example.com/v1 Gizmo"} {
		version, kind, _ := strings.Cut(kind, " ")
		objects, err := r.cluster.List(t.Context(), version, kind, r.namespace, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GetName() == "kube-root-ca.crt" || !r.whole && object.GetAnnotations()["helm.sh/hook"] != "" { // what hooks make stays
				continue
			}
			picture.WriteString(still(t, object))
		}
	}
	if r.whole {
		picture.WriteString(r.others(t))
	}
	return picture.String()
}

// still is an object without what changes by itself.
func still(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	metadata := object.Object["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"} {
		delete(metadata, field)
	}
	return indented(t, object.Object) + "\n"
}

func indented(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// chartFolders are the charts of the arcs. "bad" has an object that the API server refuses, between others; all have a
// hook that only installations run.
func chartFolders(t *testing.T) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for name, template := range map[string]string{
		"one":   configMap("web", "text: one", "only: one") + configMap("old", "in: one") + gizmo("size: 1", "only: one"),
		"two":   configMap("web", "text: two", "also: two") + configMap("new", "in: two") + gizmo("size: 2", "also: two"),
		"three": configMap("web", "text: three") + configMap("third", "in: three") + gizmo("size: 3"),
		"bad":   configMap("attempt", "in: bad") + configMap("broken", "no key: bad") + configMap("web", "text: bad", "bad: bad") + gizmo("size: 0", "bad: bad"),
	} {
		folders[name] = webSpec(t, "", template+hookMap).Chart.Path
		folders["theirs-"+name] = webSpec(t, "", template+theirs(name)+hookMap).Chart.Path
	}
	return folders
}

func configMap(name string, data ...string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {%s}\n", name, strings.Join(data, ", "))
}

func gizmo(spec ...string) string {
	return fmt.Sprintf("---\napiVersion: example.com/v1\nkind: Gizmo\nmetadata: {name: web}\nspec: {%s}\n", strings.Join(spec, ", "))
}

const hookMap = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: prepared, annotations: {helm.sh/hook: pre-install}}
data: {by: hook}
`
