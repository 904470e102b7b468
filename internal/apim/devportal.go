package apim

import (
	"context"
	"fmt"
	"net/http"

	"lockstep/internal/rest"
)

const devPortal = "/api/am/devportal/v3"

// Keys are an application's credentials at a key manager.
type Keys struct {
	ConsumerKey    string `json:"consumerKey"`
	ConsumerSecret string `json:"consumerSecret"`
}

// CreateApplication makes an application and returns its id.
func (c *Client) CreateApplication(ctx context.Context, name string) (string, error) {
	var answer struct {
		ID string `json:"applicationId"`
	}
	err := c.call(ctx, rest.Request{
		Method: http.MethodPost, Path: devPortal + "/applications", Accept: []int{http.StatusCreated, http.StatusAccepted},
		Body: map[string]any{"name": name, "throttlingPolicy": "Unlimited", "tokenType": "JWT", "description": "Made by Lockstep to verify the environment"},
	}, &answer)
	if err != nil {
		return "", fmt.Errorf("creating application %q: %w", name, err)
	}
	return answer.ID, nil
}

// GenerateKeys has the key manager make a client for the application. The key manager is named by its UUID: by name, its
// permissions would be passed over.
func (c *Client) GenerateKeys(ctx context.Context, application, keyManager string) (Keys, error) {
	var keys Keys
	err := c.call(ctx, rest.Request{
		Method: http.MethodPost, Path: devPortal + "/applications/" + application + "/generate-keys",
		Body: map[string]any{
			"keyType": "PRODUCTION", "keyManager": keyManager,
			"grantTypesToBeSupported": []string{"client_credentials"}, "validityTime": "3600",
		},
	}, &keys)
	if err != nil {
		return Keys{}, fmt.Errorf("generating keys: %w", err)
	}
	return keys, nil
}

// Subscribe subscribes the application to an API.
func (c *Client) Subscribe(ctx context.Context, application, api string) error {
	err := c.call(ctx, rest.Request{
		Method: http.MethodPost, Path: devPortal + "/subscriptions", Accept: []int{http.StatusCreated, http.StatusAccepted},
		Body: map[string]any{"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"},
	}, nil)
	if err != nil {
		return fmt.Errorf("subscribing to the API: %w", err)
	}
	return nil
}

// DeleteApplications removes the applications whose names begin so, with their subscriptions and their clients at key managers.
// The API's own search wants whole names.
func (c *Client) DeleteApplications(ctx context.Context, prefix string) error {
	ids, err := c.named(ctx, devPortal+"/applications", prefix)
	if err != nil {
		return fmt.Errorf("listing applications: %w", err)
	}
	for _, id := range ids {
		if err := c.DeleteApplication(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// DeleteApplication removes one application; one that is not there is fine.
func (c *Client) DeleteApplication(ctx context.Context, id string) error {
	err := c.call(ctx, rest.Request{Method: http.MethodDelete, Path: devPortal + "/applications/" + id}, nil)
	if err != nil && rest.Status(err) != http.StatusNotFound {
		return fmt.Errorf("deleting application %s: %w", id, err)
	}
	c.removeOrphan(ctx, id)
	return nil
}

// removeOrphan removes a client that the key manager made for the application without API Manager hearing of it, since the answer was
// lost. It goes by the name that API Manager's connector gives to clients. That one is left behind fails nothing: it is of no use to
// anybody.
func (c *Client) removeOrphan(ctx context.Context, application string) {
	if c.clients != nil {
		_ = c.clients.RemoveClient(ctx, c.username+"_"+application+"_PRODUCTION")
	}
}
