package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/validation"
	"lockstep/internal/tenants"
	"lockstep/starter/api/auth"
	"lockstep/starter/api/problem"
	"lockstep/starter/operations"
)

// atOnce is how many environments Temporal is asked for at the same time.
const atOnce = 8

// EnvironmentPath names the environment of a request.
type EnvironmentPath struct {
	Environment string `path:"environment" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"Name of the environment" example:"dev"`
}

// EnvironmentSummary is an environment in a list.
type EnvironmentSummary struct {
	Name  string           `json:"name"`
	Links EnvironmentLinks `json:"links"`
	Last  *Operation       `json:"last,omitempty" doc:"The operation that runs or ran last"`
}

// EnvironmentLinks lead on.
type EnvironmentLinks struct {
	Self       string `json:"self" format:"uri-reference"`
	Operations string `json:"operations" format:"uri-reference"`
	UI         string `json:"ui" format:"uri" doc:"All its operations in the Temporal UI"`
}

// EnvironmentDetails are an environment as operations would take it now.
type EnvironmentDetails struct {
	Name        string               `json:"name"`
	Links       EnvironmentLinks     `json:"links"`
	Valid       bool                 `json:"valid" doc:"Whether operations can be started on it"`
	Problems    []EnvironmentProblem `json:"problems,omitempty" doc:"All its problems"`
	Warnings    []string             `json:"warnings,omitempty" doc:"Parts of the file that are not used"`
	Unpinned    []string             `json:"unpinned,omitempty" doc:"Fields of what is fetched without a digest, if it is valid"`
	Sizes       []EnvironmentSize    `json:"sizes,omitempty" doc:"What operations and Helm limit, if it is valid"`
	Environment *environment         `json:"environment,omitempty" doc:"The environment with all defaults, if it is valid"`
}

// EnvironmentProblem is one thing that is wrong with an environment.
type EnvironmentProblem struct {
	Path    string `json:"path" doc:"Which field"`
	Line    int    `json:"line,omitempty" doc:"In its file"`
	Value   string `json:"value,omitempty" doc:"What stands there"`
	Message string `json:"message" doc:"What is wrong"`
	Next    string `json:"next" doc:"What to do"`
}

// EnvironmentSize is how large something of an environment is where it is kept.
type EnvironmentSize struct {
	What  string `json:"what" doc:"What it is of the environment"`
	Bytes int    `json:"bytes" doc:"How large it is"`
	Limit int    `json:"limit" doc:"How large it may be"`
	Of    string `json:"of" doc:"Whose limit that is: an operation or Helm"`
}

type environmentsOutput struct {
	Body struct {
		Environments []EnvironmentSummary `json:"environments" nullable:"false"`
	}
}

type environmentInput struct {
	EnvironmentPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETag that you have already: 304 if it is still current"`
}

type environmentOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes with the environment; for If-Match when an operation is started"`
	Body   *EnvironmentDetails
}

func (s *Server) environmentRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments", id: "list-environments", tag: "environments",
		summary: "List environments", text: "Those that you may read, with the operation that runs or ran last."}, s.listEnvironments)
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments/{environment}", id: "get-environment", tag: "environments", refusals: []int{404},
		summary: "Read an environment", text: "The current content of its file, with all defaults. If it is not valid, all its problems.",
		also: []int{http.StatusNotModified}}, s.getEnvironment)
}

func (s *Server) listEnvironments(ctx context.Context, _ *struct{}) (*environmentsOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ListEnvironments, ""); err != nil {
		return nil, err
	}
	names, err := environments.List(s.Environments)
	if err != nil {
		return nil, s.unreadable(err)
	}
	identity, _ := auth.FromContext(ctx)
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool { return !identity.Reads(name) })
	out := &environmentsOutput{}
	out.Body.Environments = make([]EnvironmentSummary, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			out.Body.Environments[i] = EnvironmentSummary{Name: name, Links: s.environmentLinks(name)}
			last, err := s.Operations.Get(ctx, name, "")
			var asked *operations.Error
			if errors.As(err, &asked) && asked.Kind == operations.Unknown {
				return nil
			}
			found := s.operation(last)
			out.Body.Environments[i].Last = &found
			return err
		})
	}
	return out, group.Wait()
}

func (s *Server) environmentLinks(name string) EnvironmentLinks {
	self := "/v1/environments/" + name
	return EnvironmentLinks{Self: self, Operations: self + "/operations", UI: s.Operations.ListLink(name)}
}

func (s *Server) getEnvironment(ctx context.Context, in *environmentInput) (*environmentOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ReadEnvironment, in.Environment); err != nil {
		return nil, err
	}
	env, err := s.resolve(in.Environment, nil)
	var found config.Problems
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	out := &environmentOutput{Status: http.StatusOK, ETag: etag(env, found)}
	if matches(in.IfNoneMatch, out.ETag, true) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	details := &EnvironmentDetails{Name: in.Environment, Links: s.environmentLinks(in.Environment), Valid: len(found) == 0}
	for _, one := range found {
		details.Problems = append(details.Problems, EnvironmentProblem(one))
	}
	if details.Valid {
		details.Environment = &environment{env}
		for _, warning := range validation.Warnings(env) {
			details.Warnings = append(details.Warnings, fmt.Sprint(warning))
		}
		details.Unpinned = validation.Unpinned(env)
		for _, size := range validation.Sizes(env) {
			details.Sizes = append(details.Sizes, EnvironmentSize(size))
		}
	}
	out.Body = details
	return out, nil
}

// resolve reads an environment. An error is of [config.Problems] if the environment is wrong, else a problem to answer with; none names
// another environment, since the caller may not know of them.
func (s *Server) resolve(name string, overrides config.Values) (config.Environment, error) {
	var found config.Problems
	if _, err := environments.FileOf(s.Environments, name); errors.As(err, &found) {
		return config.Environment{}, problem.New(http.StatusNotFound, "unknown-environment", "there is no environment %q: "+
			"GET /v1/environments lists those that you may read; the server's operator can add %s.yaml", name, name)
	} else if err != nil {
		return config.Environment{}, s.unreadable(err)
	}
	env, err := environments.Named(name).Resolve(s.Environments, overrides)
	if err == nil || errors.As(err, &found) {
		return env, err
	}
	return env, s.unreadable(err)
}

// unreadable is a folder of environments that cannot be read: the caller can do nothing about that.
func (s *Server) unreadable(err error) error {
	s.Log.Error("Environments cannot be read: check the setting environments and that folder", "error", err)
	return problem.New(http.StatusServiceUnavailable, "environments-unreadable", "this server cannot read its environments; its log says why: ask its operator").RetryAfter(retryUnavailable)
}

// etag is of an environment as it was read, with what is wrong with it.
func etag(env config.Environment, found config.Problems) string {
	text, err := json.Marshal(struct {
		Environment config.Environment
		Problems    config.Problems
	}{env, found})
	if err != nil {
		text = []byte(err.Error()) // it came from JSON
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// matches says whether one of the ETags in a header is that one (RFC 9110, section 13.1). Only a weak comparison takes weak ones.
func matches(header, tag string, weak bool) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == "*" || one != "" && one == tag {
			return true
		}
	}
	return false
}

// Cluster is a cluster as the workers say.
type Cluster struct {
	Name         string               `json:"name"`
	TaskQueue    string               `json:"taskQueue" doc:"Where its operations are carried out"`
	Workers      int                  `json:"workers" doc:"How many listen there"`
	Kubernetes   string               `json:"kubernetes,omitempty" doc:"Version of Kubernetes"`
	Gateway      string               `json:"gateway,omitempty" doc:"Chart and version of the gateway controller; absent if Lockstep installed none"`
	Environments []ClusterEnvironment `json:"environments" nullable:"false" doc:"Those on it that you may read"`
	Unreachable  string               `json:"unreachable,omitempty" doc:"Why not all of it is known"`
}

// ClusterEnvironment is an environment that is on a cluster.
type ClusterEnvironment struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type clustersOutput struct {
	Body struct {
		Clusters []Cluster `json:"clusters" nullable:"false"`
	}
}

func (s *Server) clusterRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodGet, path: "/v1/clusters", id: "list-clusters", tag: "clusters", patience: time.Minute,
		summary: "List clusters", text: "Those that the server's cluster files and the workers name. The workers are asked, and ask the clusters."}, s.listClusters)
}

func (s *Server) listClusters(ctx context.Context, _ *struct{}) (*clustersOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ListClusters, ""); err != nil {
		return nil, err
	}
	found, err := s.Operations.ListClusters(ctx)
	if err != nil {
		return nil, err
	}
	identity, _ := auth.FromContext(ctx)
	out := &clustersOutput{}
	out.Body.Clusters = []Cluster{}
	for _, one := range found {
		readable := slices.DeleteFunc(slices.Clone(one.Environments), func(env tenants.Environment) bool { return !identity.Reads(env.Name) })
		c := Cluster{Name: one.Name, TaskQueue: one.TaskQueue, Workers: one.Workers, Kubernetes: one.Kubernetes, Gateway: one.Gateway, Unreachable: one.Unreachable,
			Environments: []ClusterEnvironment{}}
		for _, env := range readable {
			c.Environments = append(c.Environments, ClusterEnvironment(env))
		}
		out.Body.Clusters = append(out.Body.Clusters, c)
	}
	return out, nil
}
