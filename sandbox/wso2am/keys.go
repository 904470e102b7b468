package wso2am

import (
	"context"
	"fmt"
	"net/http"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/keymanager"
	"lockstep/sandbox/wso2am/rest"
)

// keyMapping ties an application to its client at a key manager. The row is written before the client is made: where
// that fails the row stays, without a client, and stands in the way of any later attempt.
type keyMapping struct {
	ID, ApplicationID, KeyManagerID string
	KeyType                         string
	ConsumerKey, Secret             string
	Grants                          []string
	Callback                        string
}

func (k *keyMapping) leaked() bool { return k.ConsumerKey == "" }

// keyRequest is ApplicationKeyGenerateRequest.
type keyRequest struct {
	KeyType     string   `json:"keyType"`
	KeyManager  string   `json:"keyManager"` // its UUID, or its name
	Grants      []string `json:"grantTypesToBeSupported"`
	CallbackURL string   `json:"callbackUrl"`
}

func (s *server) keyRoutes(mux *http.ServeMux) {
	const keys = devportalPath + "/applications/{id}/oauth-keys"
	mux.HandleFunc("POST "+devportalPath+"/applications/{id}/generate-keys", s.resident.Scoped(applicationScopes, s.generateKeys))
	mux.HandleFunc("GET "+keys, s.resident.Scoped(applicationScopes, s.listKeys))
	mux.HandleFunc("GET "+keys+"/{key}", s.resident.Scoped(applicationScopes, s.readKey))
	mux.HandleFunc("POST "+keys+"/{key}/clean-up", s.resident.Scoped(applicationScopes, s.cleanUpKey))
}

func (s *server) generateKeys(w http.ResponseWriter, r *http.Request) {
	var request keyRequest
	if err := carbon.Decode(r.Body, carbon.Shape{
		"keyType":                 {Kind: carbon.Text, Required: true, Enum: []string{"PRODUCTION", "SANDBOX"}},
		"grantTypesToBeSupported": {Kind: carbon.List, Items: rest.TextList.Items, Required: true},
		"keyManager":              {Kind: carbon.Text}, "callbackUrl": {Kind: carbon.Text}, "scopes": rest.TextList,
		"validityTime": {Kind: carbon.Text}, "clientId": {Kind: carbon.Text}, "clientSecret": {Kind: carbon.Text},
		"additionalProperties": {Kind: carbon.Object},
	}, &request); err != nil {
		rest.FailBody(w, err)
		return
	}
	mapping, owner, problem := s.store.reserve(r.PathValue("id"), request)
	if problem != nil {
		rest.Fail(w, problem)
		return
	}
	id, secret, problem := s.createClient(r.Context(), mapping, owner, request)
	if problem != nil {
		rest.Fail(w, problem)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	mapping.ConsumerKey, mapping.Secret = id, secret
	carbon.JSON(w, http.StatusOK, mapping.body(s.store))
}

// reserve writes the key mapping.
func (s *store) reserve(applicationID string, request keyRequest) (*keyMapping, application, *rest.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, ok := s.applications[applicationID]
	if !ok {
		return nil, application{}, &rest.ApplicationNotFound
	}
	km, ok := s.keyManagerNamed(request.KeyManager)
	switch {
	case !ok:
		return nil, application{}, rest.KeyManagerNotFound.Because("Key Manager " + request.KeyManager + " not found")
	case !km.Enabled:
		return nil, application{}, &rest.KeyManagerNotEnabled
	case !km.EnableOAuthAppCreation:
		return nil, application{}, &rest.KeyManagerNoAppCreation
	}
	for _, other := range s.keys {
		if other.ApplicationID == applicationID && other.KeyType == request.KeyType && other.KeyManagerID == km.ID {
			return nil, application{}, rest.KeyMappingExists.Because("Key Mappings already exists for application " + owner.Name)
		}
	}
	mapping := &keyMapping{
		ID: carbon.UUID(), ApplicationID: applicationID, KeyManagerID: km.ID, KeyType: request.KeyType,
		Grants: request.Grants, Callback: request.CallbackURL,
	}
	s.keys[mapping.ID] = mapping
	return mapping, *owner, nil
}

func (s *store) keyManagerNamed(name string) (keymanager.KeyManager, bool) {
	if name == "" {
		name = keymanager.ResidentName
	}
	for id, km := range s.keyManagers {
		if id == name || km.Name == name {
			return *km, true
		}
	}
	return keymanager.KeyManager{}, false
}

// createClient asks the key manager as it is where keys are generated, which may not have heard of it yet.
func (s *server) createClient(ctx context.Context, mapping *keyMapping, owner application, request keyRequest) (string, string, *rest.Problem) {
	s.store.mu.Lock()
	km, ok := s.store.live[mapping.KeyManagerID]
	s.store.mu.Unlock()
	if !ok {
		return "", "", rest.KeyManagerNotRegistered.Because("Key Manager is not registered in the key manager holder")
	}
	name := fmt.Sprintf("%s_%s_%s", owner.Owner, owner.ID, mapping.KeyType)
	if km.Resident() {
		client := s.resident.Upsert(name, owner.Owner, request.Grants)
		return client.ID, client.Secret, nil
	}
	id, secret, err := s.connector(km).Register(ctx, name, owner.Name, owner.TokenType == "JWT", request.Grants, request.CallbackURL)
	if err != nil {
		s.Env.Log.Error("Can not create OAuth application", "application", owner.Name, "keyManager", km.Name, "error", err.Error())
		return "", "", rest.General.Because("Error occurred while generating keys: can not create OAuth application " + name)
	}
	return id, secret, nil
}

func (s *server) unregister(ctx context.Context, mapping keyMapping) error {
	s.store.mu.Lock()
	km, ok := s.store.live[mapping.KeyManagerID]
	s.store.mu.Unlock()
	switch {
	case mapping.leaked() || !ok:
		return nil
	case km.Resident():
		s.resident.Delete(mapping.ConsumerKey)
		return nil
	}
	return s.connector(km).Unregister(ctx, mapping.ConsumerKey)
}

// body is ApplicationKey. The caller holds the lock.
func (k *keyMapping) body(s *store) map[string]any {
	name := k.KeyManagerID
	if km, ok := s.keyManagers[k.KeyManagerID]; ok {
		name = km.Name
	}
	return map[string]any{
		"keyMappingId": k.ID, "keyManager": name, "consumerKey": k.ConsumerKey, "consumerSecret": k.Secret,
		"supportedGrantTypes": k.Grants, "callbackUrl": k.Callback, "keyState": "APPROVED", "keyType": k.KeyType,
		"mode": "CREATED", "additionalProperties": map[string]any{},
	}
}

// keysOf are copies. The caller holds the lock.
func (s *store) keysOf(application string) []keyMapping {
	var list []keyMapping
	for _, one := range s.keys {
		if one.ApplicationID == application {
			list = append(list, *one)
		}
	}
	return list
}

// listKeys shows no mapping without a client: what leaked cannot be seen, only met.
func (s *server) listKeys(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if _, ok := s.store.applications[r.PathValue("id")]; !ok {
		rest.Fail(w, &rest.ApplicationNotFound)
		return
	}
	list := []any{}
	for _, one := range s.store.keysOf(r.PathValue("id")) {
		if !one.leaked() {
			list = append(list, one.body(s.store))
		}
	}
	carbon.JSON(w, http.StatusOK, map[string]any{"count": len(list), "list": list})
}

func (s *store) key(application, id string) (keyMapping, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.keys[id]
	if !ok || found.ApplicationID != application || found.leaked() {
		return keyMapping{}, false
	}
	return *found, true
}

func (s *server) readKey(w http.ResponseWriter, r *http.Request) {
	found, ok := s.store.key(r.PathValue("id"), r.PathValue("key"))
	if !ok {
		rest.Fail(w, &rest.KeyMappingNotFound)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	carbon.JSON(w, http.StatusOK, found.body(s.store))
}

// cleanUpKey forgets the mapping and leaves the client where it is.
func (s *server) cleanUpKey(w http.ResponseWriter, r *http.Request) {
	found, ok := s.store.key(r.PathValue("id"), r.PathValue("key"))
	if !ok {
		rest.Fail(w, &rest.KeyMappingNotFound)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.keys, found.ID)
	w.WriteHeader(http.StatusOK)
}
