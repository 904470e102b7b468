package operations

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/internal/dial"
	"lockstep/internal/tenants"
	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

func TestLinksLeadIntoTheTemporalUI(t *testing.T) {
	c := Client{Connection: dial.Connection{Namespace: "default"}, UI: "http://localhost:8233/"}
	o := Operation{Environment: "dev", ID: "run"}
	for got, want := range map[string]string{
		c.Link(Operation{Environment: "dev"}):     "http://localhost:8233/namespaces/default/workflows/environment%2Fdev",
		c.Link(o):                                 "http://localhost:8233/namespaces/default/workflows/environment%2Fdev/run/user-metadata",
		c.HistoryLink(o):                          "http://localhost:8233/namespaces/default/workflows/environment%2Fdev/run/history",
		c.StartLink("dev", "Deploy", "lockstep"):  "http://localhost:8233/namespaces/default/workflows/start-workflow?taskQueue=lockstep&workflowId=environment%2Fdev&workflowType=Deploy",
		c.ListLink("dev"):                         "http://localhost:8233/namespaces/default/workflows?query=Environment%3D%22dev%22",
		c.ScheduleLink("environment/dev/nightly"): "http://localhost:8233/namespaces/default/schedules/environment%2Fdev%2Fnightly",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// connected is a client of a Temporal server on which an API Manager takes its time until it is told to go on.
func connected(t *testing.T) (c Client, goOn chan struct{}) {
	t.Helper()
	server, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	goOn = make(chan struct{})
	w := worker.New(server, "lockstep", worker.Options{})
	workflows.Register(w)
	workflowstest.Register(w, map[string]any{"Verify": func(ctx context.Context, _ activities.VerifyInput) (activities.Verification, error) {
		<-goOn
		return activities.Verification{Proved: []string{"it answers"}}, nil
	}})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	connection := dial.Connection{Client: server, Namespace: "default", DataConverter: converter.GetDefaultDataConverter()}
	return Client{Connection: connection, UI: "http://localhost:8233"}, goOn
}

func quickstart(t *testing.T) workflows.VerifyInput {
	t.Helper()
	return workflows.VerifyInput{Request: workflows.Of(quickstartEnvironment(t))}
}

func quickstartEnvironment(t *testing.T) config.Environment {
	t.Helper()
	env, err := environments.Load("../../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func wants(t *testing.T, err error, kind Kind, says string) {
	t.Helper()
	var wrong *Error
	if !errors.As(err, &wrong) || wrong.Kind != kind || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %s: %q", err, kind, says)
	}
}

func TestARepeatedStartIsTheSameOperation(t *testing.T) {
	c, goOn := connected(t)
	ctx := t.Context()
	s := Start{Environment: "quickstart", Operation: operation.Verify, Input: quickstart(t), By: "ci", Key: "one", Digest: "a"}
	first, repeated, err := c.Start(ctx, s)
	if err != nil || repeated {
		t.Fatal(repeated, err)
	}
	again, repeated, err := c.Start(ctx, s)
	if err != nil || !repeated || again.ID != first.ID || again.StartedBy != "ci" {
		t.Errorf("%+v, %v, %v", again, repeated, err)
	}
	other := s
	other.Digest = "b"
	_, _, err = c.Start(ctx, other)
	wants(t, err, Invalid, "belongs to another request")
	other.Key = "two"
	_, _, err = c.Start(ctx, other)
	wants(t, err, Busy, "Verify has been running since")
	var busy *Error
	if errors.As(err, &busy); busy.Holder == nil || busy.Holder.ID != first.ID {
		t.Errorf("held by %+v", busy.Holder)
	}
	close(goOn)
	if _, err := c.Result(ctx, first); err != nil {
		t.Fatal(err)
	}
	second, repeated, err := c.Start(ctx, other)
	if err != nil || repeated {
		t.Fatal(repeated, err)
	}
	if _, err := c.Result(ctx, second); err != nil {
		t.Fatal(err)
	}
	found := eventually(t, func() ([]Operation, bool) {
		all, _, err := c.List(ctx, Query{Environment: "quickstart", Outcome: "done"})
		return all, err == nil && len(all) == 2
	})
	if found[0].ID != second.ID || found[1].ID != first.ID || found[1].Running() || found[1].Phase != board.PhaseEnded {
		t.Errorf("%+v", found)
	}
	many := c
	many.Client = narrow{c.Client}
	again, repeated, err = many.Start(ctx, s) // an older one: it is in the index, on whichever page
	if err != nil || !repeated || again.ID != first.ID {
		t.Errorf("%+v, %v, %v", again, repeated, err)
	}
	page, next, err := c.List(ctx, Query{PageSize: 1})
	if err != nil || len(page) != 1 || len(next) == 0 {
		t.Errorf("%+v, %q, %v", page, next, err)
	}
	page, _, err = c.List(ctx, Query{PageSize: 1, PageToken: next})
	if err != nil || len(page) != 1 || page[0].ID != first.ID {
		t.Errorf("%+v, %v", page, err)
	}
}

// narrow has one operation on a page.
type narrow struct{ client.Client }

func (n narrow) ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	request.PageSize = 1
	return n.Client.ListWorkflow(ctx, request)
}

func TestWhatTemporalDoesNotKnowIsSaidSo(t *testing.T) {
	c, goOn := connected(t)
	close(goOn)
	ctx := t.Context()
	_, err := c.Get(ctx, "dev", "")
	wants(t, err, Unknown, `no operation on environment "dev"`)
	_, err = c.Get(ctx, "dev", "no-uuid")
	wants(t, err, Unknown, `not know operation "no-uuid"`)
	_, err = c.Get(ctx, "dev", "1b4e28ba-2fa1-11d2-883f-0016d3cca427")
	wants(t, err, Unknown, "no longer kept")
	o, _, err := c.Start(ctx, Start{Environment: "quickstart", Operation: operation.Verify, Input: quickstart(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Decide(ctx, o, decision.UpdateRollback, decision.Rollback{})
	wants(t, err, Refused, "waits for no decision")
	if _, err := c.Result(ctx, o); err != nil {
		t.Fatal(err)
	}
	o, err = c.Get(ctx, "quickstart", o.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Cancel(ctx, o)
	wants(t, err, Refused, "no operation runs")
	c.Clusters = on(t, "nobody")
	wants(t, c.CheckWorker(ctx, config.DefaultCluster), Unavailable, "no worker listens")
	checkVersions(t, c)
}

func eventually[T any](t *testing.T, holds func() (T, bool)) T {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		value, ok := holds()
		if ok {
			return value
		}
		if time.Now().After(end) {
			t.Fatalf("still %+v", value)
		}
	}
}

// on are clusters of which the default one is on that task queue.
func on(t *testing.T, queue string) clusters.Set {
	t.Helper()
	set, err := clusters.Load(clusters.Options{TaskQueue: queue})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestTheClusterOfAnEnvironmentDecidesItsTaskQueue(t *testing.T) {
	server, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	c := Client{Connection: dial.Connection{Client: server, Namespace: "default", DataConverter: converter.GetDefaultDataConverter()}}
	in := func(cluster config.ClusterName) string {
		t.Helper()
		o, _, err := c.Start(t.Context(), Start{Environment: "on-" + string(cluster), Cluster: cluster, Operation: "Verify", Input: quickstart(t)})
		if err != nil {
			t.Fatal(err)
		}
		d, err := server.DescribeWorkflowExecution(t.Context(), workflows.CanonicalID(o.Environment), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d.GetExecutionConfig().GetTaskQueue().GetName()
	}
	if got := in("prod-eu"); got != "lockstep-prod-eu" {
		t.Errorf("without files it follows from the name: %s", got)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "any.yaml"), []byte("apiVersion: lockstep/v1\nkind: Cluster\nname: prod-us\ntaskQueue: americas\nallow: {namespaces: [team-*]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.Clusters, err = clusters.Load(clusters.Options{Folder: folder}); err != nil {
		t.Fatal(err)
	}
	if got := in("prod-us"); got != "americas" {
		t.Errorf("the file says it: %s", got)
	}
	wants(t, c.CheckWorker(t.Context(), "prod-us"), Unavailable, `no worker listens on task queue "americas"`)
	for cluster, says := range map[config.ClusterName]string{"prod-us": "allow.namespaces", "prod-uss": "did you mean prod-us?", "default": "write one of prod-us"} {
		env := quickstartEnvironment(t)
		env.Cluster = cluster
		if err := c.Admit(env); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", cluster, err)
		}
	}
}

func TestWorkersSayWhichClustersTheyServe(t *testing.T) {
	server, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	c := Client{Connection: dial.Connection{Client: server, Namespace: "default", DataConverter: converter.GetDefaultDataConverter()}, Clusters: on(t, "lockstep"), Patience: time.Minute}
	for queue, name := range map[string]string{"lockstep": "default", "lockstep-prod-eu": "prod-eu"} {
		w := worker.New(server, queue, worker.Options{})
		workflows.Register(w)
		workflowstest.Register(w, map[string]any{"DescribeClusters": func(context.Context, struct{}) (activities.DescribedClusters, error) {
			one := activities.DescribedCluster{Name: name, Found: tenants.Found{Kubernetes: "v1.35.0", Environments: []tenants.Environment{{Name: "dev", Namespace: "apim"}}}}
			return activities.DescribedClusters{Served: []activities.DescribedCluster{one}, Queues: map[string]string{"default": "lockstep", "prod-eu": "lockstep-prod-eu", "prod-us": "lockstep-prod-us"}}, nil
		}})
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
	}
	for _, cluster := range []config.ClusterName{"default", "prod-eu"} {
		if err := c.CheckWorker(t.Context(), cluster); err != nil {
			t.Fatal(err)
		}
	}
	c.Patience = 0
	found, err := c.ListClusters(t.Context())
	if err != nil || len(found) != 3 {
		t.Fatalf("found %+v, %v", found, err)
	}
	for i, want := range []struct {
		name, kubernetes string
		workers          int
		says             string
	}{{"default", "v1.35.0", 1, ""}, {"prod-eu", "v1.35.0", 1, ""}, {"prod-us", "", 0, `no worker listens on task queue "lockstep-prod-us"`}} {
		got := found[i]
		if got.Name != want.name || got.Kubernetes != want.kubernetes || got.Workers != want.workers || !strings.Contains(got.Unreachable, want.says) || (want.says == "") != (got.Unreachable == "") {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
