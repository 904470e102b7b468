package readiness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"lockstep/internal/diagnosis"
	"lockstep/internal/redact"
)

// A program logs what it was given, in its own way, and the line is longer than what is shown of it.
func TestALogIsQuotedWithoutTheSecretsThatItsPodWasGivenWhereverItIsCut(t *testing.T) {
	const database, known = "9f86d081884c7d659a2feaa0c55ad015", `quote"d-pass`
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "hook", Namespace: "apim"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "X", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "database"}, Key: "x"}}}}}}}}
	secret := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, Data: map[string][]byte{"x": []byte(database)}}
	for cut := longest - len(database) - 2; cut <= longest+2; cut++ {
		log := strings.Repeat("x", cut) + database + " and more\n" + `{"said": "quote\"d-pass"}` + "\n- {name: OTHER_PASSWORD, value: hunter2}\n"
		kube := server(t, map[string]any{"/api/v1/namespaces/apim/pods/hook": pod, "/api/v1/namespaces/apim/secrets/database": secret}, log)
		ctx := redact.With(t.Context())
		redact.Add(ctx, known)
		got := logTail(ctx, kube, diagnosis.Log{Namespace: "apim", Pod: "hook", Container: "main"})
		if !strings.Contains(got, "from the log of main in Pod apim/hook:\n  xxx") {
			t.Fatalf("got %q", got)
		}
		for _, secret := range []string{database[:4], database[len(database)-4:], "d-pass", "hunter2"} {
			if strings.Contains(got, secret) {
				t.Errorf("after %d characters it says %q: %s", cut, secret, got[cut:])
			}
		}
		if redact.Text(ctx, database) != database {
			t.Error("what one pod was given is hidden elsewhere")
		}
	}
}

// server answers for objects and for the log of every pod.
func server(t *testing.T, objects map[string]any, log string) kubernetes.Interface {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/log") {
			fmt.Fprint(w, log)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(objects[r.URL.Path])
	}))
	t.Cleanup(api.Close)
	return kubernetes.NewForConfigOrDie(&rest.Config{Host: api.URL})
}

// The cause of a failed boot stands far above its last lines, and lines are longer than any limit of the API server's.
func TestTheCauseOfAFailedStartIsFoundInALongLog(t *testing.T) {
	log := strings.Repeat(strings.Repeat("y", 30<<10)+"\n", 100) + "Caused by: java.lang.IllegalArgumentException: Illegal group reference\n" +
		strings.Repeat("\tat a.b.C.d(C.java:1)\n", 60) + "INFO - the end\n"
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
	got := logTail(t.Context(), server(t, map[string]any{"/api/v1/namespaces/apim/pods/is": pod}, log), diagnosis.Log{Namespace: "apim", Pod: "is", Container: "main"})
	if !strings.Contains(got, "Illegal group reference") || !strings.Contains(got, "the end") || strings.Contains(got, "at a.b") || len(got) > 6000 {
		t.Errorf("%d bytes: %.3000s", len(got), got)
	}
}

func TestTheEndOfAStreamIsOfWholeLines(t *testing.T) {
	for text, want := range map[string]string{"": "", "short": "short", "aaaa\nbbbb\ncc": "bbbb\ncc", "a\n" + strings.Repeat("c", 12): strings.Repeat("c", 10)} {
		if got := string(endOf(iotest.OneByteReader(strings.NewReader(text)), 10, 100)); got != want {
			t.Errorf("of %q: %q, want %q", text, got, want)
		}
	}
	if got := string(endOf(iotest.OneByteReader(strings.NewReader("aa\nbb\nhalf a secret")), 10, 8)); got != "aa\nbb\n" {
		t.Errorf("beyond the limit: %q", got)
	}
}
