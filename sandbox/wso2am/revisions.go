package wso2am

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

// revision is an API as it was when the revision was made.
type revision struct {
	ID, Name, Description string
	Created               time.Time
	Snapshot              api
	Deployments           []deployment
}

type deployment struct {
	RevisionUUID       string `json:"revisionUuid,omitempty"`
	Name               string `json:"name"`
	Status             string `json:"status,omitempty"`
	Vhost              string `json:"vhost"`
	DisplayOnDevportal bool   `json:"displayOnDevportal"`
	DeployedTime       string `json:"deployedTime,omitempty"`
}

const maxRevisions = 5

// Scopes that open an endpoint: any of them.
var revisionReadScopes = []string{"apim:api_view", "apim:api_create", "apim:api_manage", "apim:api_publish"}

func (s *server) revisionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+publisherPath+"/apis/{id}/revisions", s.resident.Scoped(append(revisionReadScopes, "apim:api_import_export"), s.listRevisions))
	mux.HandleFunc("POST "+publisherPath+"/apis/{id}/revisions", s.resident.Scoped(append(apiUpdateScopes, "apim:api_import_export"), s.createRevision))
	mux.HandleFunc("GET "+publisherPath+"/apis/{id}/deployments", s.resident.Scoped(revisionReadScopes, s.listDeployments))
	mux.HandleFunc("DELETE "+publisherPath+"/apis/{id}/revisions/{revision}", s.resident.Scoped(append(apiUpdateScopes, "apim:api_import_export"), s.deleteRevision))
	mux.HandleFunc("POST "+publisherPath+"/apis/{id}/deploy-revision", s.resident.Scoped(apiUpdateScopes, s.deployRevision))
	mux.HandleFunc("POST "+publisherPath+"/apis/{id}/undeploy-revision", s.resident.Scoped(append(apiUpdateScopes, "apim:api_import_export"), s.undeployRevision))
}

func (r *revision) body(apiID string) map[string]any {
	return map[string]any{
		"id": r.ID, "displayName": r.Name, "description": r.Description, "createdTime": strconv.FormatInt(r.Created.UnixMilli(), 10),
		"apiInfo": map[string]any{"id": apiID}, "deploymentInfo": append([]deployment{}, r.Deployments...),
	}
}

func (s *server) listRevisions(w http.ResponseWriter, r *http.Request) {
	s.withAPI(w, r.PathValue("id"), func(found *api) {
		list := []any{}
		for _, one := range found.revisions {
			list = append(list, one.body(found.ID))
		}
		carbon.JSON(w, http.StatusOK, map[string]any{"count": len(list), "list": list})
	})
}

func (s *server) createRevision(w http.ResponseWriter, r *http.Request) {
	var body struct{ Description string }
	if r.ContentLength != 0 {
		if err := carbon.Decode(r.Body, carbon.Shape{
			"description": {Kind: carbon.Text, Max: 255}, "id": {Kind: carbon.Text}, "displayName": {Kind: carbon.Text},
			"createdTime": {Kind: carbon.Text}, "apiInfo": {Kind: carbon.Object}, "deploymentInfo": {Kind: carbon.List},
		}, &body); err != nil {
			rest.FailBody(w, err)
			return
		}
	}
	s.withAPI(w, r.PathValue("id"), func(found *api) {
		if len(found.revisions) >= maxRevisions {
			rest.Fail(w, &rest.TooManyRevisions)
			return
		}
		found.made++
		made := &revision{
			ID: carbon.UUID(), Name: fmt.Sprintf("Revision %d", found.made), Description: body.Description, Created: time.Now(),
			Snapshot: *found,
		}
		found.revisions = append(found.revisions, made)
		carbon.JSON(w, http.StatusCreated, made.body(found.ID))
	})
}

func (s *server) listDeployments(w http.ResponseWriter, r *http.Request) {
	s.withAPI(w, r.PathValue("id"), func(found *api) {
		list := []deployment{}
		for _, one := range found.revisions {
			list = append(list, one.Deployments...)
		}
		carbon.JSON(w, http.StatusOK, map[string]any{"list": list})
	})
}

func (s *server) withRevision(w http.ResponseWriter, r *http.Request, id string, next func(*api, *revision)) {
	s.withAPI(w, r.PathValue("id"), func(found *api) {
		i := slices.IndexFunc(found.revisions, func(one *revision) bool { return one.ID == id })
		if i < 0 {
			rest.Fail(w, rest.RevisionNotFound.Because("Requested API Revision with id "+id+" not found"))
			return
		}
		next(found, found.revisions[i])
	})
}

func (s *server) deleteRevision(w http.ResponseWriter, r *http.Request) {
	s.withRevision(w, r, r.PathValue("revision"), func(found *api, old *revision) {
		if len(old.Deployments) > 0 {
			rest.Fail(w, &rest.RevisionDeployed)
			return
		}
		found.revisions = slices.DeleteFunc(found.revisions, func(one *revision) bool { return one == old })
		w.WriteHeader(http.StatusOK)
	})
}

var hostname = regexp.MustCompile(`^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])$`)

func decodeDeployments(r *http.Request) ([]deployment, error) {
	var list []deployment
	err := carbon.DecodeList(r.Body, carbon.Shape{
		"revisionUuid": {Kind: carbon.Text, Max: 255}, "name": {Kind: carbon.Text, Min: 1, Max: 255},
		"status": {Kind: carbon.Text, Enum: []string{"CREATED", "APPROVED", "REJECTED"}},
		"vhost":  {Kind: carbon.Text, Min: 1, Max: 255, Pattern: hostname}, "displayOnDevportal": {Kind: carbon.Flag},
		"deployedTime": {Kind: carbon.Text}, "successDeployedTime": {Kind: carbon.Text}, "liveGatewayCount": {Kind: carbon.Integer},
		"deployedGatewayCount": {Kind: carbon.Integer}, "failedGatewayCount": {Kind: carbon.Integer},
	}, &list)
	return list, err
}

// deployRevision answers 201 where the specification says 200, as the product does.
func (s *server) deployRevision(w http.ResponseWriter, r *http.Request) {
	asked, err := decodeDeployments(r)
	if err != nil {
		rest.FailBody(w, err)
		return
	}
	s.withRevision(w, r, r.URL.Query().Get("revisionId"), func(found *api, target *revision) {
		for i := range asked {
			if problem := s.place(&asked[i]); problem != nil {
				rest.Fail(w, problem)
				return
			}
			asked[i].RevisionUUID, asked[i].Status = target.ID, "APPROVED"
			asked[i].DeployedTime = time.Now().UTC().Format(time.RFC3339)
		}
		for _, one := range asked { // an environment runs one revision of an API
			for _, other := range found.revisions {
				other.undeploy(one.Name)
			}
		}
		target.Deployments = append(target.Deployments, asked...)
		s.syncGateway(found.ID)
		carbon.JSON(w, http.StatusCreated, asked)
	})
}

// place checks environment and virtual host, which has to be the environment's own.
func (s *server) place(asked *deployment) *rest.Problem {
	i := slices.IndexFunc(s.environments, func(one environment) bool { return one.name == asked.Name })
	if i < 0 {
		return rest.NoGatewayEnvironment.Because("Gateway Environment with name '" + asked.Name + "' not found")
	}
	if asked.Vhost == "" {
		asked.Vhost = s.environments[i].vhost
	}
	if asked.Vhost != s.environments[i].vhost {
		return rest.InvalidVhost.Because("Invalid vhost " + asked.Vhost + " for the environment " + asked.Name)
	}
	return nil
}

func (r *revision) undeploy(environment string) {
	r.Deployments = slices.DeleteFunc(r.Deployments, func(one deployment) bool { return one.Name == environment })
}

func (s *server) undeployRevision(w http.ResponseWriter, r *http.Request) {
	asked, err := decodeDeployments(r)
	if err != nil {
		rest.FailBody(w, err)
		return
	}
	s.withRevision(w, r, r.URL.Query().Get("revisionId"), func(found *api, target *revision) {
		if r.URL.Query().Get("allEnvironments") == "true" {
			target.Deployments = nil
		}
		for _, one := range asked {
			target.undeploy(one.Name)
		}
		s.syncGateway(found.ID)
		carbon.JSON(w, http.StatusCreated, append([]deployment{}, target.Deployments...))
	})
}
