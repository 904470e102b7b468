package apim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/apim"
	"lockstep/internal/rest"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/wso2am"
	"lockstep/test/apimtest"
)

// Servers give pages of the size they like.
func TestListsAreReadToTheirEnd(t *testing.T) {
	for name, c := range map[string]struct{ items, largest int }{
		"none": {0, 100}, "one page": {7, 100}, "exactly one page": {100, 100}, "several": {250, 100}, "smaller ones than asked for": {60, 25},
	} {
		t.Run(name, func(t *testing.T) {
			var deleted, want []string
			answers := login(nil)
			for i := range c.items {
				id := strconv.Itoa(i)
				answers["DELETE /api/am/devportal/v3/applications/"+id] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { deleted = append(deleted, id) })
				if i%2 == 0 {
					want = append(want, id)
				}
			}
			answers["GET /api/am/devportal/v3/applications"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(page(r, c.items, c.largest))
			})
			if err := scripted(t, answers).DeleteApplications(context.Background(), "even-"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, deleted); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
		})
	}
}

func page(r *http.Request, items, largest int) map[string]any {
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	list := []any{}
	for i := offset; i < items && len(list) < min(limit, largest); i++ {
		list = append(list, map[string]string{"applicationId": strconv.Itoa(i), "name": fmt.Sprintf("%s-%d", []string{"even", "odd"}[i%2], i)})
	}
	return map[string]any{"list": list, "count": len(list), "pagination": map[string]int{"total": items, "offset": offset, "limit": limit}}
}

func TestDeletingWhatIsNotThereIsFine(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	c := w.Client()
	const unknown = "00000000-0000-0000-0000-000000000000"
	for name, remove := range map[string]func(context.Context, string) error{"application": c.DeleteApplication, "API": c.DeleteAPI, "key manager": c.DeleteKeyManager} {
		if err := remove(context.Background(), unknown); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Keys that are generated before the key manager is known leave a mapping that nothing shows: only the application's end removes it.
func TestAnApplicationWhoseKeysLeakedIsDeletedAllTheSame(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{Settings: map[string]string{wso2am.VarPropagation: "1h"}})
	ctx, c := context.Background(), w.Client()
	manager, err := c.CreateKeyManager(ctx, apimtest.KeyManager())
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.CreateApplication(ctx, "early")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateKeys(ctx, app, manager.ID()); rest.Code(err) != "901403" {
		t.Fatalf("at once: %v", err)
	}
	if _, err := c.GenerateKeys(ctx, app, manager.ID()); rest.Code(err) != "901409" {
		t.Errorf("again: %v", err)
	}
	if err := c.DeleteApplication(ctx, app); err != nil {
		t.Error(err)
	}
	if err := c.DeleteKeyManager(ctx, manager.ID()); err != nil {
		t.Errorf("the mapping still holds the key manager: %v", err)
	}
}

// Identity Server makes the client, and the answer to API Manager is lost.
func TestAClientThatAPIManagerNeverHeardOfGoesWithItsApplication(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	app, err := c.CreateApplication(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	const registration = apimtest.IdentityServer + "/api/identity/oauth2/dcr/v1.1/register"
	admin := [2]string{"admin", carbontest.AdminPassword}
	name := "admin_" + app + "_PRODUCTION"
	made := carbontest.Expect(t, w.HTTP, http.StatusCreated, carbontest.Call{Method: "POST", URL: registration, Basic: admin,
		JSON: map[string]any{"client_name": name, "grant_types": []string{"client_credentials"}, "redirect_uris": []string{}}})
	for range 2 { // the second finds neither
		if err := c.DeleteApplication(ctx, app); err != nil {
			t.Fatal(err)
		}
	}
	carbontest.Expect(t, w.HTTP, http.StatusNotFound, carbontest.Call{Method: "GET", URL: registration + "/" + made.Text("client_id"), Basic: admin})
}

func TestAnApplicationStaysWhileItsKeyManagerIsUnreachable(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	manager := w.Register(t, apimtest.KeyManager())
	app, err := c.CreateApplication(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateKeys(ctx, app, manager.ID()); err != nil {
		t.Fatal(err)
	}
	w.IS.Stop(t)
	if err := c.DeleteApplication(ctx, app); rest.Status(err) != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
	if _, err := c.PublishAPI(ctx, apim.API{Name: "api", Context: "/api", Version: "1", Backend: "http://localhost:9763/services", Resource: "/Version",
		VHost: apimtest.VHost}); rest.Code(err) != "900967" || !strings.Contains(err.Error(), `creating API "api"`) {
		t.Errorf("got %v", err)
	}
}
