package wso2is

import (
	"sync"
	"time"
)

// store is everything Identity Server knows. One lock: nothing under it waits for anybody.
type store struct {
	mu        sync.Mutex
	clients   map[string]*client // by client id
	tokens    map[string]*token  // by access token
	refreshes map[string]*token  // by refresh token
	resources map[string]*apiResource
	roles     map[string]*role
	scopes    map[string]*oauthScope
}

func newStore() *store {
	return &store{
		clients:   map[string]*client{},
		tokens:    map[string]*token{},
		refreshes: map[string]*token{},
		resources: map[string]*apiResource{},
		roles:     map[string]*role{},
		scopes:    map[string]*oauthScope{},
	}
}

// A token is an access token that was issued, revoked or not.
type token struct {
	Access, Refresh string
	JTI             string // what a revocation event names: the jti of a JWT, the token itself if it is opaque
	ClientID        string
	User            string // who it speaks for; the application's owner if nobody logged in
	Application     bool   // nobody logged in
	Scope           string
	TokenType       string // JWT or Default
	Issued, Expires time.Time
	Revoked         bool
}

func (t *token) active(now time.Time) bool { return t != nil && !t.Revoked && now.Before(t.Expires) }

func (s *store) client(id string) (*client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.clients[id]
	return found, ok
}

func (s *store) keep(t *token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[t.Access] = t
	if t.Refresh != "" {
		s.refreshes[t.Refresh] = t
	}
}

// activeToken returns a copy.
func (s *store) activeToken(access string) (token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[access]
	if !t.active(time.Now()) {
		return token{}, false
	}
	return *t, true
}

// revoke ends a client's token, found by itself or by its refresh token, and returns it if it was active.
func (s *store) revoke(value, clientID string) (token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[value]
	if t == nil {
		t = s.refreshes[value]
	}
	if !t.active(time.Now()) || t.ClientID != clientID {
		return token{}, false
	}
	t.Revoked = true
	return *t, true
}
