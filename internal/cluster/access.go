package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"

	"lockstep/internal/failure"
)

// Version is a Kubernetes version.
type Version struct {
	Major, Minor int
	Git          string // as the server says it, v1.35.1+k3s1
}

func (v Version) String() string { return fmt.Sprintf("v%d.%d", v.Major, v.Minor) }

// Version asks the API server for its version. It is also the cheapest proof that the cluster can be reached.
func (c *Client) Version(ctx context.Context) (Version, error) {
	text, err := c.kube.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return Version{}, Classify("reaching the cluster", err)
	}
	var info version.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return Version{}, &failure.Error{Kind: failure.InvalidConfig, Doing: "reaching the cluster", Cause: err, Next: "correct the server of the kubeconfig: it is no Kubernetes API server"}
	}
	major, _ := strconv.Atoi(digits(info.Major))
	minor, _ := strconv.Atoi(digits(info.Minor))
	return Version{Major: major, Minor: minor, Git: info.GitVersion}, nil
}

// digits drops what some providers append to a minor version: "31+".
func digits(s string) string {
	return strings.TrimRightFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Access is something the worker will have to be allowed to do.
type Access struct {
	Verb      string
	Group     string
	Resource  string // "pods", or with a subresource "pods/portforward"
	Namespace string // empty: cluster-wide
	Name      string // empty: every object
}

func (a Access) String() string {
	resource := a.Resource
	if a.Group != "" {
		resource += "." + a.Group
	}
	if a.Name != "" {
		resource += " " + a.Name
	}
	if a.Namespace == "" {
		return a.Verb + " " + resource
	}
	return fmt.Sprintf("%s %s in %s", a.Verb, resource, a.Namespace)
}

// Allowed asks for each access whether the worker has it, and gives those it has not.
func (c *Client) Allowed(ctx context.Context, accesses []Access) (denied []Access, err error) {
	allowed := make([]bool, len(accesses))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, access := range accesses {
		group.Go(func() (err error) {
			allowed[i], err = c.allowed(ctx, access)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, Classify("asking for permissions", err)
	}
	for i, access := range accesses {
		if !allowed[i] {
			denied = append(denied, access)
		}
	}
	return denied, nil
}

func (c *Client) allowed(ctx context.Context, access Access) (bool, error) {
	resource, subresource, _ := strings.Cut(access.Resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: access.Verb, Group: access.Group, Resource: resource, Subresource: subresource, Namespace: access.Namespace, Name: access.Name,
		},
	}}
	answer, err := c.reviews.SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}
