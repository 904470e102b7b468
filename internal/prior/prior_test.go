package prior

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"lockstep/internal/failure"
)

func TestWhatTheServerWritesIsStripped(t *testing.T) {
	live := map[string]any{"kind": "Deployment", "spec": map[string]any{"replicas": int64(2)}, "status": map[string]any{"replicas": int64(1)},
		"metadata": map[string]any{"name": "web", "uid": "u", "resourceVersion": "7", "finalizers": []any{"f"},
			"annotations": map[string]any{"deployment.kubernetes.io/revision": "3", "note": "mine"}}}
	want := map[string]any{"kind": "Deployment", "spec": map[string]any{"replicas": int64(2)},
		"metadata": map[string]any{"name": "web", "annotations": map[string]any{"note": "mine"}}}
	if diff := cmp.Diff(want, Strip(live)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if live["status"] == nil {
		t.Error("the object itself was changed")
	}
}

func TestWhatIsPackedIsUnpackedWithItsWholeNumbers(t *testing.T) {
	want := map[string]any{"port": int64(9443), "share": 0.5, "list": []any{"a"}}
	packed, err := Pack(want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := Unpack(packed, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Unpack([]byte("torn"), &got) == nil {
		t.Error("something else is read")
	}
}

func TestARunReadsWhatItKeptAndNoOther(t *testing.T) {
	ctx := t.Context()
	s := Store{Secrets: fake.NewClientset().CoreV1().Secrets("apps"), Mark: "run"}
	keep := func(run, value string) {
		t.Helper()
		before, _, err := s.Read(ctx, "copy", run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Keep(ctx, run, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "copy"}, Data: map[string][]byte{"k": []byte(value)}}, before); err != nil {
			t.Fatal(err)
		}
	}
	keep("one", "1")
	keep("two", "2")
	if kept, ofRun, err := s.Read(ctx, "copy", "one"); err != nil || ofRun || kept == nil {
		t.Error("what another run kept counts", err)
	}
	if kept, ofRun, err := s.Read(ctx, "copy", "two"); err != nil || !ofRun || string(kept.Data["k"]) != "2" {
		t.Error(kept, ofRun, err)
	}
	for range 2 {
		if err := s.Forget(ctx, "copy"); err != nil {
			t.Fatal(err)
		}
	}
	if kept, _, err := s.Read(ctx, "copy", "two"); err != nil || kept != nil {
		t.Error("it is there still", err)
	}
}

func TestASecretOfSomebodyElseIsNeitherWrittenNorRemoved(t *testing.T) {
	ctx := t.Context()
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "copy"}}
	s := Store{Secrets: fake.NewClientset(theirs).CoreV1().Secrets("apps"), Mark: "run"}
	before, ofRun, err := s.Read(ctx, "copy", "one")
	if err != nil || ofRun {
		t.Error(ofRun, err)
	}
	if _, err := s.Keep(ctx, "one", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "copy"}}, before); !failure.Is(err, failure.Conflict) {
		t.Errorf("it ended with %v", err)
	}
	if err := s.Forget(ctx, "copy"); err != nil {
		t.Error(err)
	}
	if kept, _, _ := s.Read(ctx, "copy", "one"); kept == nil {
		t.Error("it was removed")
	}
}
