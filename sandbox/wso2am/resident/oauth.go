package resident

import (
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep/sandbox/carbon"
)

// oauth is what the resident key manager knows: its clients and their tokens.
type oauth struct {
	mu      sync.Mutex
	clients map[string]*Client // by id
	tokens  map[string]*token  // by access token
}

// A Client of the resident key manager.
type Client struct {
	ID, Secret, Name, Owner string
	Grants                  []string
}

type token struct {
	Access, Refresh, JTI, ClientID, User string
	Scopes                               []string
	Issued, Expires                      time.Time
	Revoked                              bool
}

func (t token) has(scope string) bool { return slices.Contains(t.Scopes, scope) }

func newOAuth() *oauth {
	return &oauth{clients: map[string]*Client{}, tokens: map[string]*token{}}
}

// upsert returns the client of that name, made if it was not there.
func (o *oauth) upsert(name, owner string, grants []string) Client {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, known := range o.clients {
		if known.Name == name && known.Owner == owner {
			known.Grants = grants
			return *known
		}
	}
	made := &Client{ID: carbon.Secret(), Secret: carbon.Secret(), Name: name, Owner: owner, Grants: grants}
	o.clients[made.ID] = made
	return *made
}

func (o *oauth) authenticate(id, secret string) (Client, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	client, ok := o.clients[id]
	if !ok || client.Secret != secret {
		return Client{}, false
	}
	return *client, true
}

func (o *oauth) delete(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.clients, id)
}

func (o *oauth) keep(made token) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tokens[made.Access] = &made
}

func (o *oauth) active(access string) (token, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.tokens[access]
	if !ok || found.Revoked || !time.Now().Before(found.Expires) {
		return token{}, false
	}
	return *found, true
}

// revoke ends a client's token, given as itself or as its refresh token.
func (o *oauth) revoke(value, clientID string) (token, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.tokens {
		mine := one.ClientID == clientID && (one.Access == value || one.Refresh == value && value != "")
		if mine && !one.Revoked {
			one.Revoked = true
			return *one, true
		}
	}
	return token{}, false
}

// grantable drops scopes that do not exist, and those of the portals for tokens without a user.
func grantable(asked string, user bool) []string {
	var scopes []string
	for _, scope := range strings.Fields(asked) {
		if user && slices.Contains(PortalScopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if scopes == nil {
		return []string{"default"}
	}
	return scopes
}
