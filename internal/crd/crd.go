// Package crd brings CustomResourceDefinitions into a cluster, keeps what it replaces, and puts that back.
package crd

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
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
	"lockstep/internal/admission"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// Result is what became of a chart's CRDs; of the others there is nothing to say: they are there, and stay.
type Result struct {
	Created []cluster.Ref
	// Replaced are those that the run replaced, whichever call did it; they hold what they were until [Restore] or [Forget].
	Replaced []cluster.Ref
	// Newer are those that stay because the cluster has them of a later version.
	Newer []Stays
	// Denied are those that a policy of the cluster does not let be made or replaced.
	Denied []Stays
}

// Stays is a CRD that is not made what the chart has, and why.
type Stays struct{ Name, Why string }

func (s Stays) String() string { return s.Name + " (" + s.Why + ")" }

// Grouped names CRDs with why they stay, those of one reason together.
func Grouped(all []Stays) (texts []string) {
	names := map[string][]string{}
	for _, one := range all {
		names[one.Why] = append(names[one.Why], one.Name)
	}
	for _, one := range all {
		if names[one.Why] != nil {
			texts = append(texts, Stays{strings.Join(names[one.Why], ", "), one.Why}.String())
			delete(names, one.Why)
		}
	}
	return texts
}

// Apply brings a chart's CRDs into the cluster by policy and waits until their kinds are served. Those that it makes carry Lockstep's label;
// others keep their labels. A later version is never replaced by an earlier one, and what a policy of the cluster denies is no error:
// whether it is needed is for the caller to know.
func Apply(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, policy config.CRDPolicy, run Run) (Result, error) {
	return each(ctx, c, crds, applying{cluster: c, policy: policy, run: run})
}

// Try asks the API server, by dry runs, what would become of them. It changes nothing.
func Try(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, policy config.CRDPolicy, run Run) (Result, error) {
	return each(ctx, c, crds, applying{cluster: c, policy: policy, run: run, dry: true})
}

func each(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, a applying) (Result, error) {
	if a.policy == config.CRDsSkip {
		return Result{}, nil
	}
	results, live := make([]Result, len(crds)), make([]*unstructured.Unstructured, len(crds))
	var group errgroup.Group
	group.SetLimit(8)
	for i, crd := range crds {
		group.Go(func() (err error) {
			if results[i], err = a.apply(ctx, crd); err != nil {
				return cluster.Classify("installing CustomResourceDefinition "+crd.GetName(), err)
			}
			if a.dry || len(results[i].Denied) > 0 {
				return nil
			}
			live[i], err = waitEstablished(ctx, c, crd.GetName())
			return err
		})
	}
	err := group.Wait()
	var all Result
	for _, r := range results {
		all.Created, all.Replaced = append(all.Created, r.Created...), append(all.Replaced, r.Replaced...)
		all.Newer, all.Denied = append(all.Newer, r.Newer...), append(all.Denied, r.Denied...)
	}
	if a.dry {
		return all, err
	}
	if err == nil {
		err = waitListed(ctx, c, slices.DeleteFunc(live, func(crd *unstructured.Unstructured) bool { return crd == nil }))
	}
	c.Rediscover()
	return all, err
}

// applying is one way to bring CRDs into a cluster.
type applying struct {
	cluster *cluster.Client
	policy  config.CRDPolicy
	run     Run
	dry     bool // nothing is written
}

func (a applying) dryRun() []string {
	if a.dry {
		return []string{metav1.DryRunAll}
	}
	return nil
}

func (a applying) apply(ctx context.Context, crd *unstructured.Unstructured) (r Result, err error) {
	ref := cluster.RefOf(crd)
	resource, err := a.cluster.Resource(crd.GroupVersionKind(), "")
	if err != nil {
		return r, err
	}
	_, found, err := a.cluster.Get(ctx, ref)
	if err != nil {
		return r, err
	}
	if !found {
		_, err := resource.Create(ctx, labelled(crd), metav1.CreateOptions{FieldManager: cluster.FieldManager, DryRun: a.dryRun()})
		if !apierrors.IsAlreadyExists(err) { // else another environment was faster
			return r.of(ref, &r.Created, true, err)
		}
	}
	if a.policy != config.CRDsCreateReplace {
		return r, nil
	}
	replaced, later, err := a.replace(ctx, resource, crd)
	if later != "" {
		r.Newer = []Stays{{ref.Name, later}}
		return r, nil
	}
	return r.of(ref, &r.Replaced, replaced, err)
}

// of notes a CRD in one of the lists, or among those that a policy denies.
func (r *Result) of(ref cluster.Ref, list *[]cluster.Ref, done bool, err error) (Result, error) {
	switch {
	case err != nil && Denies(err):
		_, why, named := strings.Cut(err.Error(), strconv.Quote(ref.Name)+" is forbidden: ")
		if !named {
			why = err.Error()
		}
		r.Denied, err = []Stays{{ref.Name, why}}, nil
	case err == nil && done:
		*list = append(*list, ref)
	}
	return *r, err
}

// Denies says whether a policy of the cluster's owner refuses.
func Denies(err error) bool {
	return admission.IsPolicy(err.Error()) && strings.Contains(err.Error(), "denied")
}

// Annotations by which a CRD says of what version it is: that of Gateway API's own, and that which the chart fetcher gives to a chart's others.
const (
	bundleVersion = "gateway.networking.k8s.io/bundle-version"
	chartVersion  = chart.CRDVersion
)

// Version is what a CRD says of its version. It is empty if the CRD does not say.
func Version(crd *unstructured.Unstructured) string {
	if crd == nil {
		return ""
	}
	if version := crd.GetAnnotations()[bundleVersion]; version != "" {
		return version
	}
	return crd.GetAnnotations()[chartVersion]
}

// Later says whether a version comes after another. Of one that is not known it is not known.
func Later(version, than string) bool {
	a, errA := semver.NewVersion(version)
	b, errB := semver.NewVersion(than)
	return errA == nil && errB == nil && a.GreaterThan(b)
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
