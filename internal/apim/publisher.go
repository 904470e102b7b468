package apim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"lockstep/internal/rest"
)

const publisher = "/api/am/publisher/v4"

// API is what the verification publishes.
type API struct {
	Name, Context, Version string
	Backend                string // base URL of the backend, as API Manager's gateway reaches it
	Resource               string // its only resource, GET
	VHost                  string // host of the gateway environment Default
}

// PublishAPI creates an API, deploys a revision of it to the gateway environment Default and publishes it. It returns the API's id.
func (c *Client) PublishAPI(ctx context.Context, api API) (string, error) {
	id, err := c.createAPI(ctx, api)
	if err != nil {
		return "", fmt.Errorf("creating API %q: %w", api.Name, err)
	}
	if err := c.deployAPI(ctx, id, api.VHost); err != nil {
		return id, fmt.Errorf("deploying API %q: %w", api.Name, err)
	}
	err = c.call(ctx, rest.Request{Method: http.MethodPost, Path: publisher + "/apis/change-lifecycle",
		Query: url.Values{"apiId": {id}, "action": {"Publish"}}, Accept: []int{http.StatusOK, http.StatusAccepted}}, nil)
	if err != nil {
		return id, fmt.Errorf("publishing API %q: %w", api.Name, err)
	}
	return id, nil
}

func (c *Client) createAPI(ctx context.Context, api API) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	backend := map[string]any{"url": api.Backend}
	err := c.call(ctx, rest.Request{
		Method: http.MethodPost, Path: publisher + "/apis", Accept: []int{http.StatusCreated},
		Body: map[string]any{
			"name": api.Name, "context": api.Context, "version": api.Version,
			"description":    "Made by Lockstep to verify the environment",
			"transport":      []string{"https"},
			"policies":       []string{"Unlimited"},
			"securityScheme": []string{"oauth2", "oauth_basic_auth_api_key_mandatory"},
			"endpointConfig": map[string]any{"endpoint_type": "http", "production_endpoints": backend, "sandbox_endpoints": backend},
			"operations": []map[string]any{{
				"target": api.Resource, "verb": "GET", "authType": "Application & Application User", "throttlingPolicy": "Unlimited",
			}},
		},
	}, &answer)
	return answer.ID, err
}

// deployAPI makes a revision and deploys it. The API definition documents 200 for the deployment, the product answers 201.
func (c *Client) deployAPI(ctx context.Context, id, vhost string) error {
	var revision struct {
		ID string `json:"id"`
	}
	err := c.call(ctx, rest.Request{Method: http.MethodPost, Path: publisher + "/apis/" + id + "/revisions",
		Body: map[string]any{"description": "verification"}, Accept: []int{http.StatusCreated}}, &revision)
	if err != nil {
		return err
	}
	return c.call(ctx, rest.Request{
		Method: http.MethodPost, Path: publisher + "/apis/" + id + "/deploy-revision",
		Query:  url.Values{"revisionId": {revision.ID}},
		Body:   []map[string]any{{"name": "Default", "vhost": vhost, "displayOnDevportal": true}},
		Accept: []int{http.StatusOK, http.StatusCreated},
	}, nil)
}

// DeleteAPIs removes the APIs whose names begin so. Their subscriptions must be gone. The list comes from an index that is a little
// behind, so an API that was made a moment ago may be missed: delete it by its id.
func (c *Client) DeleteAPIs(ctx context.Context, prefix string) error {
	ids, err := c.named(ctx, publisher+"/apis", prefix)
	if err != nil {
		return fmt.Errorf("listing APIs: %w", err)
	}
	for _, id := range ids {
		if err := c.DeleteAPI(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAPI removes one API; one that is not there is fine.
func (c *Client) DeleteAPI(ctx context.Context, id string) error {
	err := c.call(ctx, rest.Request{Method: http.MethodDelete, Path: publisher + "/apis/" + id}, nil)
	if err != nil && rest.Status(err) != http.StatusNotFound {
		return fmt.Errorf("deleting API %s: %w", id, err)
	}
	return nil
}
