package release_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/internal/release"
	"lockstep/internal/release/snapshot"
)

// orphanArcs begin with the objects of a release whose records somebody deleted.
func orphanArcs() map[string]arc {
	return map[string]arc{
		"installing over orphans":                  {prepare: orphans, do: apply("theirs-two")},
		"undoing half an installation over them":   {prepare: orphans, do: apply("theirs-two"), then: restore, back: true},
		"undoing a failed installation over them":  {prepare: orphans, do: apply("theirs-bad"), then: restore, back: true},
		"undoing two installations over them":      {prepare: orphans, do: apply("theirs-two"), then: inTurn(apply("theirs-three"), restore), back: true},
		"undoing one over them that made nothing":  {prepare: orphans, first: runs("theirs-one"), do: restore, back: true},
		"undoing an installation over them":        {prepare: orphans, first: runs("theirs-two"), do: restore, back: true},
		"undoing an upgrade that takes one over":   {prepare: beside, do: apply("theirs-two"), then: restore, back: true},
		"undoing one that had taken one over":      {prepare: beside, first: runs("theirs-two"), do: restore, back: true},
		"undoing what others did not need to make": {prepare: orphans, do: restore, back: true},
	}
}

// orphans leaves a release without records, and changed by hand.
func orphans(t *testing.T, r *try) {
	runs("theirs-one")(t, r)
	r.whole = true
	r.loseRecords(t)
	edit := func(patch string) []byte { return []byte(patch) }
	ctx, o := t.Context(), metav1.PatchOptions{}
	if _, err := r.client.CoreV1().ConfigMaps(r.namespace).Patch(ctx, "web", types.MergePatchType, edit(`{"data": {"text": "edited", "more": "by hand"}}`), o); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.CoreV1().ServiceAccounts(r.namespace).Patch(ctx, "hook", types.MergePatchType, edit(`{"metadata": {"labels": {"by": "hand"}}}`), o); err != nil {
		t.Fatal(err)
	}
}

// beside leaves a release whose next revision takes over what is left of an earlier one.
func beside(t *testing.T, r *try) {
	orphans(t, r)
	runs("one")(t, r)
	if err := r.engine.Forget(t.Context(), r.namespace, "web", "dev"); err != nil {
		t.Fatal(err)
	}
}

func (r *try) loseRecords(t *testing.T) {
	t.Helper()
	secrets := r.client.CoreV1().Secrets(r.namespace)
	if err := secrets.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm"}); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Forget(t.Context(), r.namespace, "web", "dev"); err != nil {
		t.Fatal(err)
	}
}

// theirs is what a chart has beside ConfigMaps: a volume, an object of the cluster, and an account that a hook makes.
func theirs(verb string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, labels: {%[1]s: "yes"}}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "web-{{ .Release.Namespace }}"}
rules: [{apiGroups: [""], resources: [pods], verbs: [%[1]s]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: hook, labels: {%[1]s: "yes"}, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
`, verb)
}

// others are the objects of the kinds that are in no other arc. A claim that was deleted and made again has another uid.
func (r *try) others(t *testing.T) string {
	t.Helper()
	role, err := r.cluster.List(t.Context(), "rbac.authorization.k8s.io/v1", "ClusterRole", "", "app.kubernetes.io/managed-by=Helm")
	if err != nil {
		t.Fatal(err)
	}
	var picture strings.Builder
	for _, object := range role {
		if strings.HasSuffix(object.GetName(), r.namespace) {
			picture.WriteString(still(t, object))
		}
	}
	for _, kind := range []string{"PersistentVolumeClaim", "ServiceAccount", "Secret"} {
		objects, err := r.cluster.List(t.Context(), "v1", kind, r.namespace, "owner!=helm")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if kind == "Secret" && object.GetAnnotations()["lockstep.dev/run"] != "" {
				object.Object["data"] = "packed"
			}
			if kind == "PersistentVolumeClaim" && r.claim == "" {
				r.claim = object.GetUID()
			}
			if kind == "PersistentVolumeClaim" && object.GetUID() != r.claim {
				picture.WriteString("NOT THE SAME: ")
			}
			delete(object.Object, "status")
			picture.WriteString(still(t, object))
		}
	}
	return picture.String()
}

func (s suite) orphans(t *testing.T) {
	s.charts = chartFolders(t)
	s.makeKind(t, gizmos())
	r := s.try(t, arc{prepare: orphans})
	ctx := context.Background()
	object := snapshot.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: r.namespace, Name: "web"}
	undo := release.Undo{Name: "web", Namespace: r.namespace, Owner: "dev", Run: "run"}
	began := func(run string) snapshot.Snapshot {
		t.Helper()
		u := undo
		u.Run = run
		found, err := s.engine.Snapshot(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if began("run").Began() {
		t.Error("nothing was begun")
	}
	if err := apply("theirs-two")(r, s.engine); err != nil {
		t.Fatal(err)
	}
	if was := began("run"); !was.Began() || !was.Had(object) {
		t.Errorf("%v was there before", object)
	}
	if began("next").Began() {
		t.Error("what an earlier run kept counts for the next")
	}
	if err := restore(r, s.engine); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.was, r.picture(t, true)); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	if err := apply("theirs-two")(r, s.engine); err != nil {
		t.Fatal(err)
	}
	if err := uninstall(r, s.engine); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CoreV1().PersistentVolumeClaims(r.namespace).Get(ctx, "data", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("an uninstallation is to remove all: %v", err)
	}
}
