package crd

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// Restore makes the CRDs that the run replaced what they were. It may be repeated. It goes on after an error; left
// says of each CRD that stays why it does.
func Restore(ctx context.Context, c *cluster.Client, run Run) (left []string, err error) {
	crds, err := labelledWith(ctx, c, run.key()+"="+run.ID)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, crd := range crds {
		why, err := restore(ctx, c, crd.GetName(), run)
		if err != nil {
			errs = append(errs, puttingBack(crd.GetName(), err))
		}
		if why != "" {
			left = append(left, crd.GetName()+" ("+why+")")
		}
	}
	c.Rediscover()
	return left, failure.JoinTransient(errs...)
}

// puttingBack says why a CRD could not be put back. What a policy denies is tried again: the policy may be that of the gateway's chart, which
// the API server minds for a moment after the chart was rolled back.
func puttingBack(name string, err error) error {
	err = cluster.Classify("putting CustomResourceDefinition "+name+" back", err)
	if e, is := failure.As(err); is && Denies(err) {
		e.Retryable = true
	}
	return err
}

func labelledWith(ctx context.Context, c *cluster.Client, selector string) ([]*unstructured.Unstructured, error) {
	crds, err := c.List(ctx, "apiextensions.k8s.io/v1", kind().Kind, "", selector)
	slices.SortFunc(crds, func(a, b *unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	return crds, err
}

// restore says why a CRD stays as it is, if it does.
func restore(ctx context.Context, c *cluster.Client, name string, run Run) (why string, err error) {
	resource, err := definitions(c)
	if err != nil {
		return "", err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := resource.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil || !run.replaced(live) {
			return err
		}
		kept, err := unpack(live.GetAnnotations()[run.key()])
		if err != nil {
			return fmt.Errorf("reading what it was: %w", err)
		}
		if specDigest(live) != kept.Applied {
			why = "somebody else changed it since" // its copy stays until Forget: another attempt is to say so too
			return nil
		}
		why, err = putBack(ctx, c, resource, live, &unstructured.Unstructured{Object: kept.Before}, run)
		return err
	})
	return why, err
}

func putBack(ctx context.Context, c *cluster.Client, resource dynamic.ResourceInterface, live, was *unstructured.Unstructured, run Run) (why string, err error) {
	if unknown := unknownVersions(live, was); len(unknown) > 0 {
		used, err := c.HasObjects(ctx, live)
		if err != nil {
			return "", err
		}
		if used {
			return fmt.Sprintf("objects may be stored as %s, which it did not have", strings.Join(unknown, ", ")), nil
		}
		if live, err = forgetVersions(ctx, resource, live, unknown); err != nil {
			return "", err
		}
	}
	wanted := live.DeepCopy()
	wanted.Object["spec"] = was.Object["spec"]
	wanted.SetLabels(merged(onlyCopies(live.GetLabels(), run.key()), was.GetLabels()))
	wanted.SetAnnotations(merged(onlyCopies(live.GetAnnotations(), run.key()), was.GetAnnotations()))
	if _, err := resource.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: cluster.FieldManager}); err != nil {
		return "", err
	}
	_, err = waitEstablished(ctx, c, wanted.GetName())
	return "", err
}

// unknownVersions are those in which objects may be stored and which the earlier CRD does not have. The API server
// refuses a CRD without them.
func unknownVersions(live, was *unstructured.Unstructured) []string {
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	versions, _, _ := unstructured.NestedSlice(was.Object, "spec", "versions")
	return slices.DeleteFunc(stored, func(name string) bool {
		return slices.ContainsFunc(versions, func(version any) bool {
			fields, _ := version.(map[string]any)
			return fields["name"] == name
		})
	})
}

func forgetVersions(ctx context.Context, resource dynamic.ResourceInterface, live *unstructured.Unstructured, unknown []string) (*unstructured.Unstructured, error) {
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	kept := slices.DeleteFunc(stored, func(name string) bool { return slices.Contains(unknown, name) })
	live = live.DeepCopy()
	if err := unstructured.SetNestedStringSlice(live.Object, kept, "status", "storedVersions"); err != nil {
		return nil, err
	}
	return resource.UpdateStatus(ctx, live, metav1.UpdateOptions{FieldManager: cluster.FieldManager})
}

// Forget removes what was kept of the CRDs that this or an earlier run of the environment replaced.
func Forget(ctx context.Context, c *cluster.Client, run Run) error {
	crds, err := labelledWith(ctx, c, run.key())
	if err != nil || len(crds) == 0 {
		return err
	}
	resource, err := definitions(c)
	if err != nil {
		return cluster.Classify("reading CustomResourceDefinitions", err)
	}
	for _, crd := range crds {
		if err := dropCopy(ctx, resource, crd, run); err != nil && !apierrors.IsNotFound(err) {
			return cluster.Classify("removing the copy of CustomResourceDefinition "+crd.GetName(), err)
		}
	}
	return nil
}

func dropCopy(ctx context.Context, resource dynamic.ResourceInterface, live *unstructured.Unstructured, run Run) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"labels": map[string]any{run.key(): nil}, "annotations": map[string]any{run.key(): nil}}})
	if err != nil {
		return err
	}
	_, err = resource.Patch(ctx, live.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: cluster.FieldManager})
	return err
}
