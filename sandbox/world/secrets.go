package world

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LearnSecrets remembers what the environment's Secrets hold now, as it is and in base64.
func (w *World) LearnSecrets(t testing.TB) {
	t.Helper()
	learn := func(name string, value []byte) {
		name = fmt.Sprintf("%s (%d)", name, len(w.Secrets))
		w.Secrets[name] = value
		w.Secrets[name+" in base64"] = []byte(base64.StdEncoding.EncodeToString(value))
	}
	credentials, _, err := w.Cluster.Secret(t.Context(), Namespace, "lockstep-credentials")
	if err != nil || len(credentials) != 4 {
		t.Fatalf("%d keys, %v", len(credentials), err)
	}
	for key, value := range credentials {
		learn(key, value)
	}
	ca, _, err := w.Cluster.Secret(t.Context(), Namespace, "lockstep-ca")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(ca[corev1.TLSPrivateKeyKey]), "\n")
	learn("the CA's key", []byte(lines[1])) // no line ends in it, which formats write differently
}

// Histories are the events of all operations so far, by run.
func (w *World) Histories(t testing.TB) map[string][]*historypb.HistoryEvent {
	t.Helper()
	list, err := w.Temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]*historypb.HistoryEvent{}
	for _, info := range list.GetExecutions() {
		all[info.GetExecution().GetRunId()] = w.History(t, info.GetExecution())
	}
	return all
}

// History are the events of one run.
func (w *World) History(t testing.TB, execution *commonpb.WorkflowExecution) []*historypb.HistoryEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var events []*historypb.HistoryEvent
	for found := w.Temporal.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); found.HasNext(); {
		event, err := found.Next()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// Releases are Helm's records, decoded: values, manifest and chart.
func (w *World) Releases(t testing.TB) map[string][]byte {
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
	return releases
}

// Logs are what the simulated programs and the worker wrote.
func (w *World) Logs(t testing.TB) map[string][]byte {
	t.Helper()
	logs := map[string][]byte{}
	for _, pattern := range []string{"logs/worker.log", "logs/node.log", "pods/*/*/*.log"} {
		files, err := filepath.Glob(filepath.Join(w.Dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if logs[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	return logs
}
