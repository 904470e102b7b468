package world

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
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
	credentials, _, err := w.Cluster.Secret(t.Context(), Namespace, "lockstep-credentials")
	if err != nil || len(credentials) != 4 {
		t.Fatalf("%d keys, %v", len(credentials), err)
	}
	ca, _, err := w.Cluster.Secret(t.Context(), Namespace, "lockstep-ca")
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learn("lockstep-credentials", credentials)
	w.learn("lockstep-ca", ca)
}

// learn takes every value for secret but a certificate. The caller holds the lock.
func (w *World) learn(secret string, data map[string][]byte) {
	for key, value := range data {
		if lines := bytes.Split(value, []byte("\n")); key == corev1.TLSPrivateKeyKey && len(lines) > 1 {
			value = lines[1] // no line ends in it, which formats write differently
		}
		if key == corev1.TLSCertKey || len(value) < shortest {
			continue
		}
		digest := sha256.Sum256(value)
		name := fmt.Sprintf("%s of Secret %s (%x)", key, secret, digest[:4])
		w.Secrets[name] = value
		w.Secrets[name+" in base64"] = []byte(base64.StdEncoding.EncodeToString(value))
	}
}

// shortest is how long a value must be for its finding to mean something.
const shortest = 8

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
		if releases[secret.Name], err = unpacked(string(secret.Data["release"])); err != nil {
			t.Fatal(err)
		}
	}
	return releases
}

// unpacked is the text of Helm's record of a release.
func unpacked(record string) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(record)
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

// Logs are what pods and workers wrote.
func (w *World) Logs(t testing.TB) map[string][]byte {
	t.Helper()
	logs := w.PodLogs(t)
	var err error
	if logs[w.WorkerLog()], err = os.ReadFile(w.WorkerLog()); err != nil {
		t.Fatal(err)
	}
	return logs
}
