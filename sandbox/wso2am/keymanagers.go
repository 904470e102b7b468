package wso2am

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/keymanager"
	"lockstep/sandbox/wso2am/rest"
)

const adminPath = "/api/am/admin/v4"

// Scopes that open an endpoint: any of them.
var (
	adminScopes           = []string{"apim:admin", "apim:admin_operations"}
	devportalReaderScopes = []string{"apim:subscribe"}
)

func (s *server) keyManagerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+adminPath+"/key-managers", s.resident.Scoped(adminScopes, s.listKeyManagers))
	mux.HandleFunc("POST "+adminPath+"/key-managers", s.resident.Scoped(adminScopes, s.createKeyManager))
	mux.HandleFunc("POST "+adminPath+"/key-managers/discover", s.resident.Scoped(adminScopes, s.discover))
	mux.HandleFunc("GET "+adminPath+"/key-managers/{id}", s.resident.Scoped(adminScopes, s.readKeyManager))
	mux.HandleFunc("PUT "+adminPath+"/key-managers/{id}", s.resident.Scoped(adminScopes, s.updateKeyManager))
	mux.HandleFunc("DELETE "+adminPath+"/key-managers/{id}", s.resident.Scoped(adminScopes, s.deleteKeyManager))
	mux.HandleFunc("GET "+devportalPath+"/key-managers", s.resident.Scoped(devportalReaderScopes, s.offeredKeyManagers))
}

func (s *store) sortedKeyManagers() []keymanager.KeyManager {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []keymanager.KeyManager
	for _, one := range s.keyManagers {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b keymanager.KeyManager) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (s *server) listKeyManagers(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for _, one := range s.store.sortedKeyManagers() {
		list = append(list, map[string]any{
			"id": one.ID, "name": one.Name, "type": one.Type, "description": one.Description, "enabled": one.Enabled,
			"tokenType": one.TokenType,
		})
	}
	carbon.JSON(w, http.StatusOK, map[string]any{"count": len(list), "list": list})
}

// offeredKeyManagers is what an application developer sees: display endpoints, or the real ones where there are none.
func (s *server) offeredKeyManagers(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for _, one := range s.store.sortedKeyManagers() {
		list = append(list, map[string]any{
			"id": one.ID, "name": one.Name, "type": one.Type, "displayName": one.DisplayName, "description": one.Description,
			"enabled": one.Enabled, "availableGrantTypes": one.AvailableGrantTypes,
			"tokenEndpoint":  cmp.Or(one.DisplayTokenEndpoint, one.TokenEndpoint),
			"revokeEndpoint": cmp.Or(one.DisplayRevokeEndpoint, one.RevokeEndpoint), "userInfoEndpoint": one.UserInfoEndpoint,
			"enableTokenGeneration": one.EnableTokenGeneration, "enableOAuthAppCreation": one.EnableOAuthAppCreation,
			"enableMapOAuthConsumerApps": one.EnableMapOAuthConsumerApps, "tokenType": one.TokenType,
			"applicationConfiguration": []any{}, "additionalProperties": map[string]any{},
		})
	}
	carbon.JSON(w, http.StatusOK, map[string]any{"count": len(list), "list": list})
}

func (s *server) createKeyManager(w http.ResponseWriter, r *http.Request) {
	made := keymanager.New()
	if err := carbon.Decode(r.Body, keymanager.Shape(), &made); err != nil {
		rest.FailBody(w, err)
		return
	}
	if problem := made.Validate(); problem != nil {
		rest.Fail(w, problem)
		return
	}
	made.ID = carbon.UUID()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.keyManagers {
		if other.Name == made.Name {
			rest.Fail(w, rest.KeyManagerExists.Because("Key Manager "+made.Name+" already exists"))
			return
		}
	}
	s.store.keyManagers[made.ID] = &made
	s.propagate(made.ID)
	w.Header().Set("Location", adminPath+"/key-managers/"+made.ID)
	carbon.JSON(w, http.StatusCreated, made.Masked())
}

// propagate brings a key manager to where it is used, later: the answer to the administrator does not wait for it.
func (s *server) propagate(id string) {
	s.later(s.settings.propagation, func() {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		if current, ok := s.store.keyManagers[id]; ok {
			s.store.live[id] = *current
		} else {
			delete(s.store.live, id)
		}
	})
}

func (s *server) readKeyManager(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.keyManagers[r.PathValue("id")]
	if !ok {
		rest.Fail(w, &rest.KeyManagerNotFound)
		return
	}
	carbon.JSON(w, http.StatusOK, found.Masked())
}

// updateKeyManager replaces everything but the name, the type, and secrets that are sent as *****.
func (s *server) updateKeyManager(w http.ResponseWriter, r *http.Request) {
	next := keymanager.New()
	if err := carbon.Decode(r.Body, keymanager.Shape(), &next); err != nil {
		rest.FailBody(w, err)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	old, ok := s.store.keyManagers[r.PathValue("id")]
	switch {
	case !ok:
		rest.Fail(w, &rest.KeyManagerNotFound)
		return
	case next.Name != old.Name || next.Type != old.Type || old.Resident():
		rest.Fail(w, &rest.KeyManagerUpdateForbidden)
		return
	}
	if next.Property("Password") == keymanager.Mask {
		next.AdditionalProperties["Password"] = old.AdditionalProperties["Password"]
	}
	if problem := next.Validate(); problem != nil {
		rest.Fail(w, problem)
		return
	}
	next.ID = old.ID
	s.store.keyManagers[next.ID] = &next
	s.propagate(next.ID)
	carbon.JSON(w, http.StatusOK, next.Masked())
}

func (s *server) deleteKeyManager(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.keyManagers[r.PathValue("id")]
	switch {
	case !ok:
		rest.Fail(w, &rest.KeyManagerNotFound)
	case found.Resident() || s.store.uses(*found):
		rest.Fail(w, &rest.KeyManagerDeleteFailed)
	default:
		delete(s.store.keyManagers, found.ID)
		s.propagate(found.ID)
		w.WriteHeader(http.StatusOK)
	}
}

// uses says whether an application has keys of the key manager, or an API names it. The caller holds the lock.
func (s *store) uses(k keymanager.KeyManager) bool {
	for _, mapping := range s.keys {
		if mapping.KeyManagerID == k.ID {
			return true
		}
	}
	for _, one := range s.apis {
		if slices.Contains(one.KeyManagers, k.Name) {
			return true
		}
	}
	return false
}

func (s *server) connector(km keymanager.KeyManager) keymanager.Connector {
	return keymanager.Connector{Client: s.keyManagers, KeyManager: km}
}

// fanOut tells every enabled key manager of an API, one after the other, before the publisher gets an answer.
func (s *server) fanOut(ctx context.Context, scopes []keymanager.Scope) *rest.Problem {
	s.store.mu.Lock()
	var live []keymanager.KeyManager
	for _, km := range s.store.live {
		if km.Enabled && !km.Resident() {
			live = append(live, km)
		}
	}
	s.store.mu.Unlock()
	for _, km := range live {
		if err := s.connector(km).SyncScopes(ctx, scopes); err != nil {
			s.Env.Log.Error("Error while registering scopes", "keyManager", km.Name, "error", err.Error())
			return rest.General.Because("Error while updating key manager " + km.Name)
		}
	}
	return nil
}
