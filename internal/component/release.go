package component

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/failure"
	"lockstep/internal/release"
	"lockstep/internal/release/snapshot"
)

// Spec is what Helm is asked for in that environment. No secret is in it: the charts get references.
func (c Component) Spec(environment string, found Found, pods Pods) (release.Spec, error) {
	spec := release.Spec{Name: c.Release, Namespace: c.Namespace, Owner: environment, Chart: c.Chart}
	for _, ref := range c.HookObjects {
		spec.HookObjects = append(spec.HookObjects, snapshot.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
	}
	if c.Mend != nil {
		spec.PostRender = func(objects []*unstructured.Unstructured) error { return c.Mend(objects, pods) }
	}
	var err error
	spec.Values, err = c.Values(found)
	return spec, err
}

// CheckOwner refuses a release that Lockstep did not make, and that of another environment unless environments share it.
func (c Component) CheckOwner(environment string, state release.State) error {
	switch {
	case state.IsZero():
		return nil
	case state.Fingerprint == "":
		return failure.Final(failure.Conflict, "release %s/%s (chart %s %s) was not made by Lockstep: uninstall it by hand with `helm uninstall %s -n %s`, or give another release name in the environment file",
			c.Namespace, c.Release, state.Chart, state.Version, c.Release, c.Namespace)
	case !c.Shared && state.Owner != environment:
		return failure.Final(failure.Conflict, "release %s/%s belongs to environment %q: give this environment a namespace of its own, or correct its name",
			c.Namespace, c.Release, state.Owner)
	}
	return nil
}
