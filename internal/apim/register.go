package apim

import (
	"context"
	"net/http"
	"strings"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

// Unchanged is what [Client.Ensure] says of a registration that is as it should be.
const Unchanged = "unchanged"

// Ensure registers a key manager, or mends the registration of its name, and says what it did. It looks by name, since the API has no other way to be idempotent, and refuses an issuer that another key manager has: API
// Manager would pick either.
func (c *Client) Ensure(ctx context.Context, wanted KeyManager) (stored KeyManager, note string, err error) {
	managers, err := c.KeyManagers(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, manager := range managers {
		if manager.Name() == wanted.Name() {
			stored = manager
		} else if manager.Issuer() == wanted.Issuer() {
			return nil, "", failure.Final(failure.Conflict, "key manager %q has the issuer %q already, and API Manager picks key managers by issuer: "+
				"delete it in the Admin portal, or set keyManager.name to its name", manager.Name(), wanted.Issuer())
		}
	}
	if stored == nil {
		properties, _ := wanted["additionalProperties"].(map[string]any)
		if err := c.CheckConnector(ctx, properties); err != nil {
			return nil, "", err
		}
		created, err := c.CreateKeyManager(ctx, wanted)
		if rest.Status(err) != http.StatusConflict {
			return created, "registered", err
		}
		found, lookErr := c.FindKeyManager(ctx, wanted.Name()) // somebody else was faster
		if lookErr != nil || found == nil {
			return nil, "", failure.Join(err, lookErr)
		}
		stored = found
	}
	if kind := stored["type"]; kind != wanted["type"] {
		return nil, "", failure.Final(failure.Conflict, "key manager %q is there already and of type %v, which cannot be changed to %v: "+
			"delete it in the Admin portal, or give keyManager.name another name", wanted.Name(), kind, wanted["type"])
	}
	differing := Differs(stored, wanted)
	if len(differing) == 0 {
		return stored, Unchanged, nil
	}
	stored, err = c.UpdateKeyManager(ctx, stored.ID(), wanted)
	return stored, "updated " + strings.Join(differing, ", "), err
}

// Restore puts the registration of a name back to what it was: before is nil if there was none. With a registration that goes, the
// applications go whose names begin with the prefix. The password is for one that API Manager has lost.
func (c *Client) Restore(ctx context.Context, name string, before KeyManager, password, prefix string) error {
	stored, err := c.FindKeyManager(ctx, name)
	switch {
	case err != nil:
		return err
	case before != nil && stored == nil:
		_, err = c.CreateKeyManager(ctx, before.Again(password))
		return err
	case before != nil && len(Differs(stored, before)) > 0:
		_, err = c.UpdateKeyManager(ctx, stored.ID(), before)
		return err
	case before == nil && stored != nil:
		if err := c.DeleteApplications(ctx, prefix); err != nil { // a key manager in use stays (code 902015)
			return err
		}
		return c.DeleteKeyManager(ctx, stored.ID())
	}
	return nil
}
