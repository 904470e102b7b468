package wso2am

import (
	"cmp"
	"net/http"
	"slices"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

// subscription is Subscription of the developer portal API v3.
type subscription struct {
	ID            string `json:"subscriptionId"`
	ApplicationID string `json:"applicationId"`
	APIID         string `json:"apiId"`
	Policy        string `json:"throttlingPolicy"`
}

// Scopes that open an endpoint: any of them.
var subscriptionScopes = []string{"apim:subscribe", "apim:sub_manage"}

func (s *server) subscriptionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+devportalPath+"/subscriptions", s.resident.Scoped(subscriptionScopes, s.listSubscriptions))
	mux.HandleFunc("POST "+devportalPath+"/subscriptions", s.resident.Scoped(subscriptionScopes, s.createSubscription))
	mux.HandleFunc("GET "+devportalPath+"/subscriptions/{id}", s.resident.Scoped(subscriptionScopes, s.readSubscription))
	mux.HandleFunc("DELETE "+devportalPath+"/subscriptions/{id}", s.resident.Scoped(subscriptionScopes, s.deleteSubscription))
}

// body needs the lock.
func (s *store) subscriptionBody(one *subscription) map[string]any {
	body := map[string]any{
		"subscriptionId": one.ID, "applicationId": one.ApplicationID, "apiId": one.APIID, "throttlingPolicy": one.Policy,
		"requestedThrottlingPolicy": one.Policy, "status": "UNBLOCKED",
	}
	if found, ok := s.apis[one.APIID]; ok {
		body["apiInfo"] = found.info()
	}
	if found, ok := s.applications[one.ApplicationID]; ok {
		body["applicationInfo"] = s.applicationInfo(found)
	}
	return body
}

func (s *server) listSubscriptions(w http.ResponseWriter, r *http.Request) {
	application, apiID := r.URL.Query().Get("applicationId"), r.URL.Query().Get("apiId")
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	list := []map[string]any{}
	for _, one := range s.store.subscriptions {
		if (application == "" || one.ApplicationID == application) && (apiID == "" || one.APIID == apiID) {
			list = append(list, s.store.subscriptionBody(one))
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int {
		return cmp.Compare(a["subscriptionId"].(string), b["subscriptionId"].(string))
	})
	rest.WritePage(w, r, list)
}

func (s *server) createSubscription(w http.ResponseWriter, r *http.Request) {
	var made subscription
	if err := carbon.Decode(r.Body, carbon.Shape{
		"applicationId": {Kind: carbon.Text, Required: true}, "throttlingPolicy": {Kind: carbon.Text, Required: true},
		"apiId": {Kind: carbon.Text}, "requestedThrottlingPolicy": {Kind: carbon.Text}, "status": {Kind: carbon.Text},
		"subscriptionId": {Kind: carbon.Text}, "apiInfo": {Kind: carbon.Object}, "applicationInfo": {Kind: carbon.Object},
		"redirectionParams": {Kind: carbon.Text},
	}, &made); err != nil {
		rest.FailBody(w, err)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if problem := s.store.subscribable(made); problem != nil {
		rest.Fail(w, problem)
		return
	}
	made.ID = carbon.UUID()
	s.store.subscriptions[made.ID] = &made
	w.Header().Set("Location", devportalPath+"/subscriptions/"+made.ID)
	carbon.JSON(w, http.StatusCreated, s.store.subscriptionBody(&made))
}

func (s *store) subscribable(made subscription) *rest.Problem {
	if _, ok := s.applications[made.ApplicationID]; !ok {
		return &rest.ApplicationNotFound
	}
	found, ok := s.apis[made.APIID]
	switch {
	case !ok:
		return rest.APINotFound.Because("Requested API with id '" + made.APIID + "' not found")
	case found.LifeCycle != "PUBLISHED" && found.LifeCycle != "PROTOTYPED":
		return rest.SubscriptionNotAllowed.Because("Subscriptions not allowed on APIs/API products in the state: " + found.LifeCycle)
	case !slices.Contains(found.Policies, made.Policy):
		return rest.TierInvalid.Because("Tier " + made.Policy + " is not allowed for API " + found.Name)
	}
	for _, other := range s.subscriptions {
		if other.ApplicationID == made.ApplicationID && other.APIID == made.APIID {
			return rest.SubscriptionExists.Because("Subscription already exists for API " + found.Name)
		}
	}
	return nil
}

func (s *server) readSubscription(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.subscriptions[r.PathValue("id")]
	if !ok {
		rest.Fail(w, &rest.SubscriptionNotFound)
		return
	}
	carbon.JSON(w, http.StatusOK, s.store.subscriptionBody(found))
}

func (s *server) deleteSubscription(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	id := r.PathValue("id")
	if _, ok := s.store.subscriptions[id]; !ok {
		rest.Fail(w, &rest.SubscriptionNotFound)
		return
	}
	delete(s.store.subscriptions, id)
	w.WriteHeader(http.StatusOK)
}
