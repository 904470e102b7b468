package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// Run is an operation that may be undone.
type Run struct {
	Environment string
	ID          string
}

// copyPrefix starts the names of the label and the annotation of a kind that a run replaced. They end in the environment's
// name, since environments share kinds. The label's value is the run, the annotation's what the kind was.
const copyPrefix = "replaced.lockstep.dev/"

func (r Run) key() string { return copyPrefix + r.Environment }

// replaced says whether the run replaced the kind.
func (r Run) replaced(live *unstructured.Unstructured) bool {
	return live.GetAnnotations()[r.key()] != "" && live.GetLabels()[r.key()] == r.ID
}

// kindCopy is a kind as it was. It lies at the kind itself: it is written and removed with it in one request, and needs
// no place that this or another step might remove.
type kindCopy struct {
	Applied string         `json:"applied"` // digest of what the run made of it
	Before  map[string]any `json:"before"`
}

// replaceCRD brings a kind to what crd says, keeping what it was for [Client.RestoreCRDs]. One that is already so is
// not written.
func replaceCRD(ctx context.Context, resource dynamic.ResourceInterface, crd *unstructured.Unstructured, run Run) (replaced bool, err error) {
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		replaced = run.replaced(live)
		wanted := replacement(live, crd)
		result, err := resource.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
		if err != nil || reflect.DeepEqual(desired(result).Object, desired(live).Object) {
			return err
		}
		if !replaced {
			if err := keepCopy(wanted, live, result, run); err != nil {
				return err
			}
			replaced = true
		}
		_, err = resource.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: FieldManager})
		return err
	})
	return replaced, err
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

// lastApplied is what kubectl apply keeps. It is as large as the kind and speaks of the earlier one.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func keepCopy(wanted, live, result *unstructured.Unstructured, run Run) error {
	before := desired(live)
	before.SetLabels(withoutCopies(before.GetLabels()))
	before.SetAnnotations(withoutCopies(before.GetAnnotations()))
	packed, err := pack(kindCopy{Applied: specDigest(result), Before: before.Object})
	if err != nil {
		return err
	}
	wanted.SetLabels(merged(wanted.GetLabels(), map[string]string{run.key(): run.ID}))
	annotations := merged(wanted.GetAnnotations(), map[string]string{run.key(): packed})
	if size(annotations) > maxAnnotations {
		delete(annotations, lastApplied) // it is in the copy
	}
	if size(annotations) > maxAnnotations {
		return &Error{Kind: Invalid, Doing: "keeping CustomResourceDefinition " + live.GetName() + " for undo", Err: errors.New("it is too large for an annotation"),
			Next: "replace it by hand and set routing.crds to create"}
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

func pack(kept kindCopy) (string, error) {
	data, err := json.Marshal(kept)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed) // writing to a buffer does not fail
	_, _ = w.Write(data)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

func unpack(text string) (kept kindCopy, err error) {
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return kept, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return kept, err
	}
	was := unstructured.Unstructured{}
	if err := json.Unmarshal(data, &kept); err != nil {
		return kept, err
	}
	before, err := json.Marshal(kept.Before)
	if err == nil {
		err = was.UnmarshalJSON(before) // keeps whole numbers whole
	}
	kept.Before = was.Object
	return kept, err
}
