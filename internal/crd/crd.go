// Package crd brings CustomResourceDefinitions into a cluster, keeps what it replaces, and puts that back.
package crd

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// Apply brings a chart's CRDs into the cluster by policy and waits until their kinds are served. Those that this
// call made are returned and carry Lockstep's label; others keep their labels. Those that the run replaced are returned
// too, whichever call did it; they hold what they were until [Restore] or [Forget].
func Apply(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, policy config.CRDPolicy, run Run) (created, replaced []cluster.Ref, err error) {
	if policy == config.CRDsSkip {
		return nil, nil, nil
	}
	made, other, live := make([]bool, len(crds)), make([]bool, len(crds)), make([]*unstructured.Unstructured, len(crds))
	var group errgroup.Group
	group.SetLimit(8)
	for i, crd := range crds {
		group.Go(func() (err error) {
			if made[i], other[i], err = apply(ctx, c, crd, policy, run); err != nil {
				return cluster.Classify("installing CustomResourceDefinition "+crd.GetName(), err)
			}
			live[i], err = waitEstablished(ctx, c, crd.GetName())
			return err
		})
	}
	err = group.Wait()
	for i, crd := range crds {
		if made[i] {
			created = append(created, cluster.RefOf(crd))
		}
		if other[i] {
			replaced = append(replaced, cluster.RefOf(crd))
		}
	}
	if err == nil {
		err = waitListed(ctx, c, live)
	}
	c.Rediscover()
	return created, replaced, err
}

func apply(ctx context.Context, c *cluster.Client, crd *unstructured.Unstructured, policy config.CRDPolicy, run Run) (created, replaced bool, err error) {
	resource, err := c.Resource(crd.GroupVersionKind(), "")
	if err != nil {
		return false, false, err
	}
	_, found, err := c.Get(ctx, cluster.RefOf(crd))
	if err != nil {
		return false, false, err
	}
	if !found {
		_, err := resource.Create(ctx, labelled(crd), metav1.CreateOptions{FieldManager: cluster.FieldManager})
		if !apierrors.IsAlreadyExists(err) { // else another environment was faster
			return err == nil, false, err
		}
	}
	if policy != config.CRDsCreateReplace {
		return false, false, nil
	}
	replaced, err = replace(ctx, resource, crd, run)
	return false, replaced, err
}

func labelled(crd *unstructured.Unstructured) *unstructured.Unstructured {
	crd = crd.DeepCopy()
	crd.SetLabels(merged(crd.GetLabels(), map[string]string{cluster.ManagedByLabel: cluster.ManagedBy}))
	return crd
}

// definitions are all CRDs of a cluster.
func definitions(c *cluster.Client) (dynamic.ResourceInterface, error) {
	return c.Resource(kind(), "")
}

func kind() schema.GroupVersionKind {
	return apiextensions.SchemeGroupVersion.WithKind("CustomResourceDefinition")
}

func waitEstablished(ctx context.Context, c *cluster.Client, name string) (live *unstructured.Unstructured, err error) {
	doing := "waiting for CustomResourceDefinition " + name
	resource, err := definitions(c)
	if err != nil {
		return nil, cluster.Classify(doing, err)
	}
	var pending *failure.Error
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (_ bool, err error) {
		live, err = resource.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		var established bool
		established, pending = state(live)
		return established || pending != nil && !pending.Retryable, nil
	})
	if pending != nil && !errors.Is(err, context.Canceled) {
		pending.Doing = doing
		return nil, pending
	}
	return live, cluster.Classify(doing, err)
}

// state reads a CRD's conditions. A failure that is retryable only says what is being waited for.
func state(live *unstructured.Unstructured) (established bool, pending *failure.Error) {
	conditions := map[apiextensions.CustomResourceDefinitionConditionType]apiextensions.CustomResourceDefinitionCondition{}
	for _, condition := range typed(live).Status.Conditions {
		conditions[condition.Type] = condition
	}
	if names := conditions[apiextensions.NamesAccepted]; names.Status == apiextensions.ConditionFalse {
		return false, &failure.Error{Kind: failure.NotReady, Reason: "NamesNotAccepted", Cause: errors.New("its names are not accepted: " + names.Message),
			Next: "another CustomResourceDefinition uses these names: remove one of the two"}
	}
	if conditions[apiextensions.Established].Status == apiextensions.ConditionTrue {
		return true, nil
	}
	return false, &failure.Error{Kind: failure.Unavailable, Reason: "NotEstablished", Retryable: true, Cause: errors.New("the API server does not serve it yet"),
		Next: "look at the CustomResourceDefinition's conditions and at the API server's log"}
}

// typed reads a CRD; what does not fit is left out.
func typed(object *unstructured.Unstructured) (crd apiextensions.CustomResourceDefinition) {
	_ = runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &crd)
	return crd
}
