package crd

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/prior"
)

// Run is an operation that may be undone.
type Run struct {
	Environment string
	ID          string
}

// copyPrefix starts the names of the label and the annotation of a CRD that a run replaced. They end in the environment's
// name, since environments share CRDs. The label's value is the run, the annotation's what the CRD was.
const copyPrefix = "replaced.lockstep.dev/"

func (r Run) key() string { return copyPrefix + r.Environment }

// replaced says whether the run replaced the CRD.
func (r Run) replaced(live *unstructured.Unstructured) bool {
	return live.GetAnnotations()[r.key()] != "" && live.GetLabels()[r.key()] == r.ID
}

// kept is a CRD as it was. It lies at the CRD itself: it is written and removed with it in one request, and needs
// no place that this or another step might remove.
type kept struct {
	Applied string         `json:"applied"` // digest of what the run made of it
	Before  map[string]any `json:"before"`
}

// replace brings a CRD to what crd says, keeping what it was for [Restore]. One that is already so is
// not written, and neither is one of a later version: later says so.
func (a applying) replace(ctx context.Context, resource dynamic.ResourceInterface, crd *unstructured.Unstructured) (replaced bool, later string, err error) {
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		if has, wants := Version(live), Version(crd); Later(has, wants) {
			replaced, later = false, "of version "+has+", later than "+wants
			return nil
		}
		replaced, later = a.run.replaced(live), ""
		wanted := replacement(live, crd)
		result, err := resource.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: cluster.FieldManager, DryRun: []string{metav1.DryRunAll}})
		if err != nil || reflect.DeepEqual(prior.Strip(result.Object), prior.Strip(live.Object)) {
			return err
		}
		if a.dry {
			replaced = true
			return nil
		}
		if !replaced {
			if err := keep(wanted, live, result, a.run); err != nil {
				return err
			}
			replaced = true
		}
		_, err = resource.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: cluster.FieldManager})
		return err
	})
	return replaced, later, err
}

func replacement(live, crd *unstructured.Unstructured) *unstructured.Unstructured {
	wanted := live.DeepCopy()
	wanted.Object["spec"] = runtime.DeepCopyJSONValue(crd.Object["spec"])
	wanted.SetLabels(merged(crd.GetLabels(), live.GetLabels()))
	wanted.SetAnnotations(merged(live.GetAnnotations(), crd.GetAnnotations()))
	return wanted
}

// maxAnnotations is how much Kubernetes takes as annotations of one object.
const maxAnnotations = 256 << 10

// lastApplied is what kubectl apply keeps. It is as large as the CRD and speaks of the earlier one.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func keep(wanted, live, result *unstructured.Unstructured, run Run) error {
	before := &unstructured.Unstructured{Object: prior.Strip(live.Object)}
	before.SetLabels(withoutCopies(before.GetLabels()))
	before.SetAnnotations(withoutCopies(before.GetAnnotations()))
	packed, err := kept{Applied: specDigest(result), Before: before.Object}.pack()
	if err != nil {
		return err
	}
	wanted.SetLabels(merged(wanted.GetLabels(), map[string]string{run.key(): run.ID}))
	annotations := merged(wanted.GetAnnotations(), map[string]string{run.key(): packed})
	if size(annotations) > maxAnnotations {
		delete(annotations, lastApplied) // it is in the copy
	}
	if size(annotations) > maxAnnotations {
		return &failure.Error{Kind: failure.InvalidConfig, Doing: "keeping CustomResourceDefinition " + live.GetName() + " for undo", Cause: errors.New("it is too large for an annotation"),
			Next: "replace it by hand and set gateway.crds in the cluster's file to create"}
	}
	wanted.SetAnnotations(annotations)
	return nil
}

func withoutCopies(all map[string]string) map[string]string {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(key, _ string) bool { return strings.HasPrefix(key, copyPrefix) })
	return rest
}

func onlyCopies(all map[string]string, but string) map[string]string {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(key, _ string) bool { return !strings.HasPrefix(key, copyPrefix) || key == but })
	return rest
}

func merged(under, over map[string]string) map[string]string {
	all := maps.Clone(under)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, over)
	return all
}

func size(annotations map[string]string) (sum int) {
	for key, value := range annotations {
		sum += len(key) + len(value)
	}
	return sum
}

func specDigest(crd *unstructured.Unstructured) string {
	data, _ := json.Marshal(crd.Object["spec"]) // it came as JSON; keys come out sorted
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// pack writes it as an annotation's text.
func (k kept) pack() (string, error) {
	packed, err := prior.Pack(k)
	return base64.StdEncoding.EncodeToString(packed), err
}

func unpack(text string) (k kept, err error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = prior.Unpack(packed, &k)
	}
	return k, err
}
