package wso2is

import (
	"cmp"
	"net/http"
	"slices"

	"lockstep/sandbox/carbon"
)

const applicationsPath = "/api/server/v1/applications"

// listApplications names the applications, of which every registered client is one, in one page: Identity Server's
// application management API.
func (s *server) listApplications(w http.ResponseWriter, _ *http.Request) {
	type application struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	all := []application{}
	s.store.mu.Lock()
	for _, c := range s.store.clients {
		all = append(all, application{ID: c.ID, Name: c.Name})
	}
	s.store.mu.Unlock()
	slices.SortFunc(all, func(a, b application) int { return cmp.Compare(a.Name, b.Name) })
	carbon.JSON(w, http.StatusOK, map[string]any{"totalResults": len(all), "startIndex": 1, "count": len(all), "applications": all})
}
