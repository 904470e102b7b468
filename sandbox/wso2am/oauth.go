package wso2am

import (
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep/sandbox/carbon"
)

// oauth is the resident key manager: clients and tokens of the portals, and of applications that ask it for keys.
type oauth struct {
	mu      sync.Mutex
	clients map[string]*oauthClient // by id
	tokens  map[string]*oauthToken  // by access token
}

type oauthClient struct {
	ID, Secret, Name, Owner string
	Grants                  []string
}

type oauthToken struct {
	Access, Refresh, JTI, ClientID, User string
	Scopes                               []string
	Issued, Expires                      time.Time
	Revoked                              bool
}

func (t oauthToken) has(scope string) bool { return slices.Contains(t.Scopes, scope) }

func newOAuth() *oauth {
	return &oauth{clients: map[string]*oauthClient{}, tokens: map[string]*oauthToken{}}
}

// upsert returns the client of that name, made if it was not there.
func (o *oauth) upsert(name, owner string, grants []string) oauthClient {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, known := range o.clients {
		if known.Name == name && known.Owner == owner {
			known.Grants = grants
			return *known
		}
	}
	made := &oauthClient{ID: carbon.Secret(), Secret: carbon.Secret(), Name: name, Owner: owner, Grants: grants}
	o.clients[made.ID] = made
	return *made
}

func (o *oauth) authenticate(id, secret string) (oauthClient, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	client, ok := o.clients[id]
	if !ok || client.Secret != secret {
		return oauthClient{}, false
	}
	return *client, true
}

func (o *oauth) delete(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.clients, id)
}

func (o *oauth) keep(token oauthToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tokens[token.Access] = &token
}

func (o *oauth) active(access string) (oauthToken, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	token, ok := o.tokens[access]
	if !ok || token.Revoked || !time.Now().Before(token.Expires) {
		return oauthToken{}, false
	}
	return *token, true
}

// revoke ends a client's token, given as itself or as its refresh token.
func (o *oauth) revoke(value, clientID string) (oauthToken, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, token := range o.tokens {
		mine := token.ClientID == clientID && (token.Access == value || token.Refresh == value && value != "")
		if mine && !token.Revoked {
			token.Revoked = true
			return *token, true
		}
	}
	return oauthToken{}, false
}

// grantable drops scopes that do not exist, and those of the portals for tokens without a user.
func grantable(asked string, user bool) []string {
	var scopes []string
	for _, scope := range strings.Fields(asked) {
		if user && slices.Contains(portalScopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if scopes == nil {
		return []string{"default"}
	}
	return scopes
}
