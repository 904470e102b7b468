package apim

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

// ConnectorType is the key manager type of the Identity Server 7 connector (wso2-extensions/apim-km-wso2is).
const ConnectorType = "WSO2-IS-7"

// Masked is what API Manager shows in place of a secret. Sent back, it keeps the stored value.
const Masked = "*****"

const keyManagersPath = "/api/am/admin/v4/key-managers"

// KeyManager is a key manager as the Admin API gives it: a JSON object, since connectors add properties of their own.
type KeyManager map[string]any

func (k KeyManager) text(key string) string {
	text, _ := k[key].(string)
	return text
}

// ID is the UUID that API Manager gave it.
func (k KeyManager) ID() string { return k.text("id") }

// Name is its name, unique within a tenant.
func (k KeyManager) Name() string { return k.text("name") }

// Issuer is the issuer its tokens carry.
func (k KeyManager) Issuer() string { return k.text("issuer") }

// Again is what registers a key manager anew that API Manager has lost: without the id it had, and with the password that
// API Manager showed masked.
func (k KeyManager) Again(password string) KeyManager {
	again := maps.Clone(k)
	delete(again, "id")
	properties, _ := k["additionalProperties"].(map[string]any)
	properties = maps.Clone(properties)
	for name, value := range properties {
		if value == Masked {
			properties[name] = password
		}
	}
	again["additionalProperties"] = properties
	return again
}

// FindKeyManager returns the key manager of that name, whole, or nil. The API has no look-up by name.
func (c *Client) FindKeyManager(ctx context.Context, name string) (KeyManager, error) {
	infos, err := c.keyManagerInfos(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		if info.Name() == name {
			return c.keyManager(ctx, info.ID())
		}
	}
	return nil, nil
}

// KeyManagers returns all key managers, whole.
func (c *Client) KeyManagers(ctx context.Context) ([]KeyManager, error) {
	infos, err := c.keyManagerInfos(ctx)
	if err != nil {
		return nil, err
	}
	var all []KeyManager
	for _, info := range infos {
		whole, err := c.keyManager(ctx, info.ID())
		if err != nil {
			return nil, err
		}
		if whole != nil {
			all = append(all, whole)
		}
	}
	return all, nil
}

func (c *Client) keyManagerInfos(ctx context.Context) ([]KeyManager, error) {
	var answer struct {
		List []KeyManager `json:"list"`
	}
	if err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: keyManagersPath}, &answer); err != nil {
		return nil, fmt.Errorf("listing key managers: %w", err)
	}
	return answer.List, nil
}

// keyManager reads one, whole; nil if it was deleted since it was listed.
func (c *Client) keyManager(ctx context.Context, id string) (KeyManager, error) {
	manager := KeyManager{}
	err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: keyManagersPath + "/" + id}, &manager)
	if rest.Status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading key manager %s: %w", id, err)
	}
	return manager, nil
}

// CheckConnector makes sure that API Manager has the connector of Identity Server 7 and that it still wants the properties that
// Lockstep sends.
func (c *Client) CheckConnector(ctx context.Context, properties map[string]any) error {
	var settings struct {
		Connectors []struct {
			Type           string `json:"type"`
			Configurations []struct {
				Name     string `json:"name"`
				Required bool   `json:"required"`
			} `json:"configurations"`
		} `json:"keyManagerConfiguration"`
	}
	if err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: "/api/am/admin/v4/settings"}, &settings); err != nil {
		return fmt.Errorf("reading API Manager's settings: %w", err)
	}
	for _, connector := range settings.Connectors {
		if connector.Type != ConnectorType {
			continue
		}
		for _, property := range connector.Configurations {
			if _, sent := properties[property.Name]; property.Required && !sent {
				return failure.Final(failure.Refused, "connector %s of this API Manager requires the property %q, which Lockstep does not know: use API Manager 4.7 or a newer Lockstep",
					ConnectorType, property.Name)
			}
		}
		return nil
	}
	return failure.Final(failure.Refused, "this API Manager has no key manager connector %s: use API Manager 4.7 or add the connector's JAR to its image", ConnectorType)
}

// CreateKeyManager registers a key manager. It becomes usable a little later.
func (c *Client) CreateKeyManager(ctx context.Context, manager KeyManager) (KeyManager, error) {
	created := KeyManager{}
	err := c.call(ctx, rest.Request{Method: http.MethodPost, Path: keyManagersPath, Body: manager, Accept: []int{http.StatusCreated}}, &created)
	if err != nil {
		return nil, fmt.Errorf("creating key manager %q: %w", manager.Name(), err)
	}
	return created, nil
}

// UpdateKeyManager replaces a key manager.
func (c *Client) UpdateKeyManager(ctx context.Context, id string, manager KeyManager) (KeyManager, error) {
	updated := KeyManager{}
	err := c.call(ctx, rest.Request{Method: http.MethodPut, Path: keyManagersPath + "/" + id, Body: manager}, &updated)
	if err != nil {
		return nil, fmt.Errorf("updating key manager %q: %w", manager.Name(), err)
	}
	return updated, nil
}

// DeleteKeyManager removes a key manager; one that is not there is fine.
func (c *Client) DeleteKeyManager(ctx context.Context, id string) error {
	err := c.call(ctx, rest.Request{Method: http.MethodDelete, Path: keyManagersPath + "/" + id}, nil)
	switch rest.Status(err) {
	case http.StatusNotFound:
		return nil
	case http.StatusPreconditionFailed: // code 902015
		return &failure.Error{Kind: failure.Conflict, Doing: "deleting key manager " + id, Cause: fmt.Errorf("%w: applications have keys of it, or APIs name it", err),
			Next: "delete those in the portals first"}
	}
	if err != nil {
		return fmt.Errorf("deleting key manager %s: %w", id, err)
	}
	return nil
}
