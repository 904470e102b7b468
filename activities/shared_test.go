package activities

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/objects"
	"lockstep/internal/release"
	"lockstep/internal/shared"
)

// tenant is an environment beside others, of which only the gateway's part is deployed: its steps are the activities that workflows call.
type tenant struct {
	*suite
	in        Input
	missing   []string
	listeners []cluster.Snapshot
	namespace []cluster.Snapshot
	release   release.State
	came      int // how many of the steps began
}

func newTenant(s *suite, name string) *tenant {
	t := &tenant{suite: s, in: in(name)}
	t.in.Env.Name, t.in.Scope.Environment, t.in.Scope.Run = name, name, name+"-run"
	return t
}

// do tries an activity again as Temporal does.
func do[T any](t *testing.T, tn *tenant, activity, input any) T {
	t.Helper()
	for attempt := 1; ; attempt++ {
		result, err := run[T](t, tn.suite, activity, input)
		var app *temporal.ApplicationError
		if err == nil {
			return result
		}
		if attempt == 10 || errors.As(err, &app) && app.NonRetryable() {
			t.Errorf("environment %s: %v", tn.in.Env.Name, err)
			return result
		}
		time.Sleep(100 * time.Millisecond) // as Temporal waits between attempts
	}
}

// deploy begins that many of the two steps.
func (tn *tenant) deploy(t *testing.T, steps int) {
	t.Helper()
	a := tn.activities
	do[string](t, tn, a.EnsureNamespace, tn.in.Scope)
	do[string](t, tn, a.EnsureCredentials, tn.in)
	do[Certificates](t, tn, a.EnsureCertificates, tn.in)
	tn.came = steps
	tn.missing = do[[]string](t, tn, a.LookCRDs, tn.in)
	do[string](t, tn, a.ApplyCRDs, tn.in)
	if steps < 2 {
		return
	}
	tn.listeners = do[[]cluster.Snapshot](t, tn, a.Snapshot, SnapshotInput{Input: tn.in, Set: objects.Gateway})
	tn.namespace = do[[]cluster.Snapshot](t, tn, a.Snapshot, SnapshotInput{Input: tn.in, Set: objects.GatewayNamespace})
	tn.release = do[release.State](t, tn, a.LookRelease, ReleaseRef{Scope: tn.in.Scope, Namespace: tn.in.Env.Routing.Namespace, Name: tn.in.Env.Routing.Release})
	do[Release](t, tn, a.ApplyRelease, ApplyReleaseInput{Input: tn.in, Component: component.Gateway})
	do[any](t, tn, a.ApplyGateway, tn.in)
}

func (tn *tenant) undo(t *testing.T) {
	t.Helper()
	a := tn.activities
	if tn.came == 2 {
		do[any](t, tn, a.RestoreGateway, RestoreGatewayInput{Input: tn.in, Before: tn.listeners})
		do[any](t, tn, a.UndoGateway, UndoGatewayInput{Input: tn.in, Before: tn.release, Namespace: tn.namespace})
	}
	do[any](t, tn, a.RemoveCRDs, RemoveCRDsInput{Input: tn.in, Names: tn.missing})
	tn.leaveNamespace(t)
}

func (tn *tenant) teardown(t *testing.T, purge bool) (gateway, crds string) {
	t.Helper()
	a := tn.activities
	do[any](t, tn, a.RemoveObjects, SnapshotInput{Input: tn.in, Set: objects.Gateway})
	gateway = do[string](t, tn, a.RemoveGateway, tn.in)
	if purge {
		crds = do[string](t, tn, a.RemoveOwnCRDs, tn.in)
	}
	tn.leaveNamespace(t)
	return gateway, crds
}

func (tn *tenant) leaveNamespace(t *testing.T) {
	t.Helper()
	for _, set := range []objects.Set{objects.Certificates, objects.Credentials, objects.Namespace} {
		do[any](t, tn, tn.activities.RemoveObjects, SnapshotInput{Input: tn.in, Set: set})
	}
}

// whole looks whether everything that a deployed environment needs is there.
func (tn *tenant) whole(t *testing.T) {
	t.Helper()
	if missing := do[[]string](t, tn, tn.activities.LookCRDs, tn.in); len(missing) > 0 {
		t.Errorf("environment %s lost the CRDs %v", tn.in.Env.Name, missing)
	}
	r := tn.in.Env.Routing
	if state := do[release.State](t, tn, tn.activities.LookRelease, ReleaseRef{Scope: tn.in.Scope, Namespace: r.Namespace, Name: r.Release}); state.Status != "deployed" {
		t.Errorf("environment %s lost the controller: %+v", tn.in.Env.Name, state)
	}
	for _, path := range []string{"/apis/gateway.networking.k8s.io/v1/gatewayclasses/" + r.GatewayClass,
		"/apis/gateway.networking.k8s.io/v1/namespaces/" + tn.in.Env.Namespace + "/gateways/" + r.Gateway} {
		if err := tn.kube.Discovery().RESTClient().Get().AbsPath(path).Do(t.Context()).Error(); err != nil {
			t.Errorf("environment %s: %v", tn.in.Env.Name, err)
		}
	}
}

// nothingShared looks whether anything of what is shared is left.
func nothingShared(t *testing.T, s *suite) {
	t.Helper()
	if _, err := s.kube.CoordinationV1().Leases(shared.Namespace).Get(t.Context(), shared.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Lease of users is left (%v)", err)
	}
	site, err := s.activities.site(in("x").Scope.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []cluster.Ref{{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"}, {APIVersion: "v1", Kind: "Namespace"},
		{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}, {APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
		{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"}} {
		objects, err := site.cluster.List(t.Context(), kind.APIVersion, kind.Kind, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if strings.Contains(object.GetName(), "gateway") {
				t.Errorf("%s is left", cluster.RefOf(object))
			}
		}
	}
}

// testTeardownBesideAnother is what was reported: a purge removed CRDs under others, and whoever made the class kept the controller for ever.
func testTeardownBesideAnother(t *testing.T, s *suite) {
	a, b := newTenant(s, "first"), newTenant(s, "second")
	a.deploy(t, 2)
	b.deploy(t, 2)
	gateway, crds := a.teardown(t, true)
	for _, note := range []string{gateway, crds} {
		if note != `left: used by environment "second"` && !strings.HasPrefix(note, `left: used by environment "second", Gateway second/`) {
			t.Errorf("the first says %q", note)
		}
	}
	b.whole(t)
	if gateway, crds = b.teardown(t, true); !strings.HasPrefix(gateway, "uninstalled") || !strings.HasSuffix(crds, " removed") {
		t.Errorf("the last says %q and %q", gateway, crds)
	}
	nothingShared(t, s)
}

func testUndoBesideAnother(t *testing.T, s *suite) {
	a, b := newTenant(s, "first"), newTenant(s, "second")
	a.deploy(t, 2)
	b.deploy(t, 2)
	a.undo(t)
	b.whole(t)
	b.undo(t)
	nothingShared(t, s)
}

func testUndoAfterTheOtherLeft(t *testing.T, s *suite) {
	a, b := newTenant(s, "first"), newTenant(s, "second")
	a.deploy(t, 2)
	b.deploy(t, 1)
	a.teardown(t, true)
	b.undo(t)
	nothingShared(t, s)
}

// testManyAtOnce has three environments come and go at once, each in another way in each round.
func testManyAtOnce(t *testing.T, s *suite) {
	ways := []func(*testing.T, *tenant){
		func(t *testing.T, tn *tenant) { tn.deploy(t, 2); tn.whole(t); tn.teardown(t, true) },
		func(t *testing.T, tn *tenant) { tn.deploy(t, 2); tn.whole(t); tn.undo(t) },
		func(t *testing.T, tn *tenant) { tn.deploy(t, 1); tn.undo(t) },
	}
	for _, round := range [][3]int{{0, 1, 2}, {0, 0, 0}} {
		var all sync.WaitGroup
		for i, way := range round {
			all.Go(func() { ways[way](t, newTenant(s, fmt.Sprintf("at-once-%d", i))) })
		}
		all.Wait()
		nothingShared(t, s)
		if t.Failed() {
			return
		}
	}
}

// testGatewayVersion has an installed controller keep its version where a file says none.
func testGatewayVersion(t *testing.T, s *suite) {
	chosen := func() string {
		open := quickstart()
		open.Routing.Chart.Version = ""
		env, err := run[config.Environment](t, s, s.activities.CheckEnvironment, CheckInput{Environment: environments.Inline(open)})
		if err != nil {
			t.Fatal(err)
		}
		return env.Routing.Chart.Version
	}
	if got := chosen(); got != "v1.9.0" {
		t.Errorf("for a new controller it is %s", got)
	}
	tn := newTenant(s, "follows-the-guide")
	tn.in.Env.Routing.Chart.Version = "v1.7.0"
	tn.deploy(t, 2)
	if got := chosen(); got != "v1.7.0" {
		t.Errorf("for an installed controller it is %s", got)
	}
	tn.teardown(t, true)
	nothingShared(t, s)
}
