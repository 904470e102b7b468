package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"lockstep/config"
)

const kindCRD = "CustomResourceDefinition"

func crdKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: kindCRD}
}

// ApplyCRDs brings a chart's CRDs into the cluster by policy and waits until their kinds are served. Those that this
// call made are returned and carry Lockstep's label; others keep their labels. Those that the run replaced are returned
// too, whichever call did it; they hold what they were until [Client.RestoreCRDs] or [Client.ForgetCRDs].
func (c *Client) ApplyCRDs(ctx context.Context, crds []*unstructured.Unstructured, policy config.CRDPolicy, run Run) (created, replaced []Ref, err error) {
	if policy == config.CRDsSkip {
		return nil, nil, nil
	}
	made, other, live := make([]bool, len(crds)), make([]bool, len(crds)), make([]*unstructured.Unstructured, len(crds))
	var group errgroup.Group
	group.SetLimit(8)
	for i, crd := range crds {
		group.Go(func() (err error) {
			if made[i], other[i], err = c.applyCRD(ctx, crd, policy, run); err != nil {
				return classify("installing CustomResourceDefinition "+crd.GetName(), err)
			}
			live[i], err = c.waitEstablished(ctx, crd)
			return err
		})
	}
	err = group.Wait()
	for i, crd := range crds {
		if made[i] {
			created = append(created, RefOf(crd))
		}
		if other[i] {
			replaced = append(replaced, RefOf(crd))
		}
	}
	if err == nil {
		err = c.waitListed(ctx, live)
	}
	c.mapper.Reset()
	return created, replaced, err
}

func (c *Client) applyCRD(ctx context.Context, crd *unstructured.Unstructured, policy config.CRDPolicy, run Run) (created, replaced bool, err error) {
	resource, err := c.resource(crd.GroupVersionKind(), "")
	if err != nil {
		return false, false, err
	}
	live, err := get(ctx, resource, crd.GetName())
	if err != nil {
		return false, false, err
	}
	if live == nil {
		_, err := resource.Create(ctx, labelled(crd), metav1.CreateOptions{FieldManager: FieldManager})
		if !apierrors.IsAlreadyExists(err) { // else another environment was faster
			return err == nil, false, err
		}
	}
	if policy != config.CRDsCreateReplace {
		return false, false, nil
	}
	replaced, err = replaceCRD(ctx, resource, crd, run)
	return false, replaced, err
}

func labelled(crd *unstructured.Unstructured) *unstructured.Unstructured {
	crd = crd.DeepCopy()
	labels := crd.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[ManagedByLabel] = ManagedBy
	crd.SetLabels(labels)
	return crd
}

func merged(under, over map[string]string) map[string]string {
	all := maps.Clone(under)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, over)
	return all
}

func (c *Client) waitEstablished(ctx context.Context, crd *unstructured.Unstructured) (live *unstructured.Unstructured, err error) {
	ref := RefOf(crd)
	resource, err := c.resource(ref.gvk(), "")
	if err != nil {
		return nil, classify("waiting for "+ref.String(), err)
	}
	var problem *Problem
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (_ bool, err error) {
		live, err = resource.Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		var established bool
		established, problem = crdState(live)
		return established || problem != nil && !problem.Retryable, nil
	})
	if problem != nil {
		return nil, problem
	}
	return live, classify("waiting for "+ref.String(), err)
}

// crdState reads a CRD's conditions. A problem that is retryable only says what is being waited for.
func crdState(live *unstructured.Unstructured) (established bool, problem *Problem) {
	conditions := conditionsOf(live.Object, "status", "conditions")
	if names := conditions["NamesAccepted"]; names.Status == metav1.ConditionFalse {
		return false, &Problem{Reason: "NamesNotAccepted", Object: RefOf(live).String(), Evidence: names.Message,
			NextMove: "another CustomResourceDefinition uses these names: remove one of the two"}
	}
	if conditions[string(apiextensions.Established)].Status == metav1.ConditionTrue {
		return true, nil
	}
	return false, &Problem{Reason: "NotEstablished", Object: RefOf(live).String(), Retryable: true,
		NextMove: "look at the CustomResourceDefinition's conditions and at the API server's log"}
}

// crdInUse says whether any object of the kind exists.
func (c *Client) crdInUse(ctx context.Context, live *unstructured.Unstructured) (bool, error) {
	crd := &apiextensions.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, crd); err != nil {
		return false, fmt.Errorf("reading CustomResourceDefinition %s: %w", live.GetName(), err)
	}
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		gvr := schema.GroupVersionResource{Group: crd.Spec.Group, Version: version.Name, Resource: crd.Spec.Names.Plural}
		list, err := c.dynamic.Resource(gvr).List(ctx, metav1.ListOptions{Limit: 1})
		if absent(err) {
			return false, nil
		}
		if err != nil {
			return false, classify("looking for objects of "+live.GetName(), err)
		}
		return len(list.Items) > 0, nil // every version shows every object
	}
	return false, errors.Join(ctx.Err())
}
