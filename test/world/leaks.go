package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SecretsStaySecret looks for every secret that [World.LearnSecrets] ever saw in all logs, histories, events, objects but Secrets,
// Helm's records and what the command line printed, and returns in how many places it looked.
func (w *World) SecretsStaySecret(t testing.TB) int {
	t.Helper()
	places := w.places(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	secrets, searched := newNeedles(w.Secrets), 0
	for place, text := range places {
		searched += len(text)
		for _, name := range secrets.in(text) {
			t.Errorf("%s is in %s", name, place)
		}
	}
	t.Logf("%d secrets sought in %d places, %d KiB", len(w.Secrets), len(places), searched>>10)
	return len(places)
}

// places are the texts in which no secret may be, by where they are.
func (w *World) places(t testing.TB) map[string][]byte {
	t.Helper()
	places := w.Logs(t)
	w.mu.Lock()
	maps.Copy(places, w.seen)
	places["the command line's output"] = bytes.Clone(w.transcript.Bytes())
	w.mu.Unlock()
	for run, events := range w.Histories(t) {
		for _, event := range events {
			raw, err := proto.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			places[fmt.Sprintf("event %d (%s) of run %s", event.GetEventId(), event.GetEventType(), run)] = raw
		}
	}
	for _, object := range w.Objects(t) {
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
	for name, release := range w.Releases(t) {
		places["Helm's record "+name] = release
	}
	return places
}
