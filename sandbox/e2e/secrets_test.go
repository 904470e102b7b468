package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/workflows"
)

// testSecrets looks for the environment's secrets in whatever is not a Secret.
func testSecrets(t *testing.T, w *world) {
	w.deployed(t)
	w.learnSecrets(t)
	places := w.logs(t)
	if len(places) < 5 { // the worker, the node and what runs
		t.Errorf("only %d logs were found", len(places))
	}
	w.mu.Lock()
	places["the command line's output"] = bytes.Clone(w.transcript.Bytes())
	w.mu.Unlock()
	for run, events := range w.histories(t) {
		for _, event := range events {
			raw, err := proto.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			places[fmt.Sprintf("event %d (%s) of run %s", event.GetEventId(), event.GetEventType(), run)] = raw
		}
	}
	for _, object := range w.objects(t) {
		if object.GetKind() == "Secret" {
			continue
		}
		raw, err := json.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		places[object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName()] = raw
	}
	events, err := w.Client(t).CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		places["Event "+event.Name] = []byte(event.Message)
	}
	for name, release := range w.releases(t) {
		places["Helm's record "+name] = release
	}
	searched := 0
	for place, text := range places {
		searched += len(text)
		for name, secret := range w.secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("%s is in %s", name, place)
			}
		}
	}
	t.Logf("%d secrets sought in %d places, %d KiB", len(w.secrets), len(places), searched>>10)
	if len(places) < 500 {
		t.Error("that is too few to be all of them")
	}
}

// learnSecrets remembers what the environment's Secrets hold now, as it is and in base64.
func (w *world) learnSecrets(t *testing.T) {
	t.Helper()
	learn := func(name string, value []byte) {
		name = fmt.Sprintf("%s (%d)", name, len(w.secrets))
		w.secrets[name] = value
		w.secrets[name+" in base64"] = []byte(base64.StdEncoding.EncodeToString(value))
	}
	credentials, _, err := w.cluster.Secret(t.Context(), namespace, "lockstep-credentials")
	if err != nil || len(credentials) != 4 {
		t.Fatalf("%d keys, %v", len(credentials), err)
	}
	for key, value := range credentials {
		learn(key, value)
	}
	ca, _, err := w.cluster.Secret(t.Context(), namespace, "lockstep-ca")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(ca[corev1.TLSPrivateKeyKey]), "\n")
	learn("the CA's key", []byte(lines[1])) // no line ends in it, which formats write differently
}

// histories are the events of all operations so far, by run.
func (w *world) histories(t *testing.T) map[string][]*historypb.HistoryEvent {
	t.Helper()
	list, err := w.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]*historypb.HistoryEvent{}
	for _, info := range list.GetExecutions() {
		all[info.GetExecution().GetRunId()] = w.history(t, info.GetExecution())
	}
	return all
}

func (w *world) history(t *testing.T, execution *commonpb.WorkflowExecution) []*historypb.HistoryEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var events []*historypb.HistoryEvent
	for found := w.temporal.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); found.HasNext(); {
		event, err := found.Next()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// releases are Helm's records, decoded: values, manifest and chart.
func (w *world) releases(t *testing.T) map[string][]byte {
	t.Helper()
	secrets, err := w.Client(t).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		t.Fatal(err)
	}
	releases := map[string][]byte{}
	for _, secret := range secrets.Items {
		packed, err := base64.StdEncoding.DecodeString(string(secret.Data["release"]))
		if err != nil {
			t.Fatal(err)
		}
		reader, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if releases[secret.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
	if len(releases) < 3 {
		t.Errorf("%d releases, want 3 or more", len(releases))
	}
	return releases
}

// testHistory holds the largest deployment so far against the limits: one that began from nothing is among them.
func testHistory(t *testing.T, w *world) {
	const mostEvents, mostBytes = 400, 256 << 10
	list, err := w.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	deployments := 0
	for _, info := range list.GetExecutions() {
		if info.GetType().GetName() != workflows.OperationDeploy {
			continue
		}
		deployments++
		size := 0
		events := w.history(t, info.GetExecution())
		for _, event := range events {
			size += proto.Size(event)
		}
		t.Logf("a deployment that ended %s: %d events, %d KiB", info.GetStatus(), len(events), size>>10)
		if len(events) > mostEvents || size > mostBytes {
			t.Errorf("run %s has more than %d events or %d KiB", info.GetExecution().GetRunId(), mostEvents, mostBytes>>10)
		}
	}
	if deployments == 0 {
		w.deployed(t)
		testHistory(t, w)
	}
}
