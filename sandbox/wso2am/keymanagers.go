package wso2am

import (
	"cmp"
	"net/http"
	"slices"

	"lockstep/sandbox/carbon"
)

const adminPath = "/api/am/admin/v4"

func (s *server) keyManagerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+adminPath+"/key-managers", s.scoped(adminScopes, s.listKeyManagers))
	mux.HandleFunc("POST "+adminPath+"/key-managers", s.scoped(adminScopes, s.createKeyManager))
	mux.HandleFunc("POST "+adminPath+"/key-managers/discover", s.scoped(adminScopes, s.discover))
	mux.HandleFunc("GET "+adminPath+"/key-managers/{id}", s.scoped(adminScopes, s.readKeyManager))
	mux.HandleFunc("PUT "+adminPath+"/key-managers/{id}", s.scoped(adminScopes, s.updateKeyManager))
	mux.HandleFunc("DELETE "+adminPath+"/key-managers/{id}", s.scoped(adminScopes, s.deleteKeyManager))
	mux.HandleFunc("GET "+devportalPath+"/key-managers", s.scoped(devportalReaderScopes, s.offeredKeyManagers))
}

func (s *store) sortedKeyManagers() []keyManager {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []keyManager
	for _, one := range s.keyManagers {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b keyManager) int { return cmp.Compare(a.Name, b.Name) })
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
	made := newKeyManager()
	if err := carbon.Decode(r.Body, keyManagerShape(), &made); err != nil {
		failBody(w, err)
		return
	}
	if problem := made.validate(); problem != nil {
		fail(w, problem)
		return
	}
	made.ID = carbon.UUID()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.keyManagers {
		if other.Name == made.Name {
			fail(w, keyManagerExists.because("Key Manager "+made.Name+" already exists"))
			return
		}
	}
	s.store.keyManagers[made.ID] = &made
	s.propagate(made.ID)
	w.Header().Set("Location", adminPath+"/key-managers/"+made.ID)
	carbon.JSON(w, http.StatusCreated, made.masked())
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
		fail(w, &keyManagerNotFound)
		return
	}
	carbon.JSON(w, http.StatusOK, found.masked())
}

// updateKeyManager replaces everything but the name, the type, and secrets that are sent as *****.
func (s *server) updateKeyManager(w http.ResponseWriter, r *http.Request) {
	next := newKeyManager()
	if err := carbon.Decode(r.Body, keyManagerShape(), &next); err != nil {
		failBody(w, err)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	old, ok := s.store.keyManagers[r.PathValue("id")]
	switch {
	case !ok:
		fail(w, &keyManagerNotFound)
		return
	case next.Name != old.Name || next.Type != old.Type || old.resident():
		fail(w, &keyManagerUpdateForbidden)
		return
	}
	if next.property("Password") == mask {
		next.AdditionalProperties["Password"] = old.AdditionalProperties["Password"]
	}
	if problem := next.validate(); problem != nil {
		fail(w, problem)
		return
	}
	next.ID = old.ID
	s.store.keyManagers[next.ID] = &next
	s.propagate(next.ID)
	carbon.JSON(w, http.StatusOK, next.masked())
}

func (s *server) deleteKeyManager(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.keyManagers[r.PathValue("id")]
	switch {
	case !ok:
		fail(w, &keyManagerNotFound)
	case found.resident() || s.store.uses(*found):
		fail(w, &keyManagerDeleteFailed)
	default:
		delete(s.store.keyManagers, found.ID)
		s.propagate(found.ID)
		w.WriteHeader(http.StatusOK)
	}
}

// uses says whether an application has keys of the key manager, or an API names it. The caller holds the lock.
func (s *store) uses(k keyManager) bool {
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
