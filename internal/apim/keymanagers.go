package apim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

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

// FindKeyManager returns the key manager of that name, whole, or nil. The API has no look-up by name.
func (c *Client) FindKeyManager(ctx context.Context, name string) (KeyManager, error) {
	all, err := c.KeyManagers(ctx)
	if err != nil {
		return nil, err
	}
	for _, manager := range all {
		if manager.Name() == name {
			return manager, nil
		}
	}
	return nil, nil
}

// KeyManagers returns all key managers, whole.
func (c *Client) KeyManagers(ctx context.Context) ([]KeyManager, error) {
	var list struct {
		List []KeyManager `json:"list"`
	}
	if err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: keyManagersPath}, &list); err != nil {
		return nil, fmt.Errorf("listing key managers: %w", err)
	}
	for i, info := range list.List {
		whole, err := c.keyManager(ctx, info.ID())
		if err != nil {
			return nil, err
		}
		list.List[i] = whole
	}
	return list.List, nil
}

func (c *Client) keyManager(ctx context.Context, id string) (KeyManager, error) {
	manager := KeyManager{}
	if err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: keyManagersPath + "/" + id}, &manager); err != nil {
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
				return fmt.Errorf("connector %s of this API Manager requires the property %q, which Lockstep does not know: use API Manager 4.7 or a newer Lockstep",
					ConnectorType, property.Name)
			}
		}
		return nil
	}
	return fmt.Errorf("this API Manager has no key manager connector %s: use API Manager 4.7 or add the connector's JAR to its image", ConnectorType)
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
	if rest.Status(err) == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting key manager %s: %w", id, err)
	}
	return nil
}

// Differs lists the fields in which a stored key manager is not what is wanted. Masked secrets cannot be compared and count as equal.
func Differs(stored, wanted KeyManager) []string {
	var fields []string
	for key, value := range wanted {
		if !covers(stored[key], normal(value)) {
			fields = append(fields, key)
		}
	}
	slices.Sort(fields)
	return fields
}

// covers says whether stored has all that is wanted: the server adds fields of its own.
func covers(stored, wanted any) bool {
	switch w := wanted.(type) {
	case map[string]any:
		s, ok := stored.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range w {
			if s[key] != Masked && !covers(s[key], value) {
				return false
			}
		}
		return true
	case []any:
		s, ok := stored.([]any)
		return ok && len(s) == len(w) && !slices.ContainsFunc(w, func(v any) bool { return !slices.Contains(s, v) })
	default:
		return reflect.DeepEqual(stored, wanted)
	}
}

// normal gives value the types that decoded JSON has.
func normal(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var decoded any
	_ = json.Unmarshal(text, &decoded)
	return decoded
}
