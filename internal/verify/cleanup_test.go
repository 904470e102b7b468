package verify_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/verify"
	"lockstep/test/apimtest"
)

// leave makes what a verification has made when it is killed at its worst moment.
func leave(t *testing.T, w *apimtest.World, id string, manager apim.KeyManager) {
	t.Helper()
	ctx, c := context.Background(), w.Client()
	name := verify.Prefix + id
	api, err := c.PublishAPI(ctx, apim.API{Name: name, Context: "/" + name, Version: "1.0.0", Backend: "http://localhost:9763/services",
		Resource: "/Version", VHost: apimtest.VHost})
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.CreateApplication(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Subscribe(ctx, app, api); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateKeys(ctx, app, manager.ID()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAKilledVerificationLeftIsRemovedFirst(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := w.Register(t, apimtest.KeyManager())
	leave(t, w, "killed", manager)
	leave(t, w, "run1", manager) // an earlier attempt of the same run
	if _, err := w.Client().CreateApplication(context.Background(), "somebody else's"); err != nil {
		t.Fatal(err)
	}
	if _, err := arc(w).Run(context.Background(), config.VerifyFull); err != nil {
		t.Fatal(err)
	}
	if left := w.Left(t); !slices.Equal(left, []string{"applications somebody else's"}) {
		t.Errorf("left: %v, want only what is not a verification's", left)
	}
}

// Each path is that of a request in the middle of which the verification is cancelled, in the order of the arc.
func TestACancelledVerificationSaysSoAndLeavesNothing(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	for _, path := range []string{
		"/api/am/publisher/v4/apis", "/deploy-revision", "/change-lifecycle", "/api/am/devportal/v3/applications", "/subscriptions", "/generate-keys",
		"/oauth2/token", "/lockstep-verify-run1/1.0.0/Version", "/oauth2/revoke", "/oauth2/introspect",
	} {
		t.Run(strings.ReplaceAll(strings.Trim(path, "/"), "/", " "), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w.Before(cancelAt(path, cancel))
			defer w.Before(nil)
			_, err := arc(w).Run(ctx, config.VerifyFull)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cancellation", err)
			}
			w.Before(nil)
			checkNothingLeft(t, w)
		})
	}
}

// cancelAt cancels once, at the first request to Identity Server or of the arc's own to that path.
func cancelAt(path string, cancel func()) func(*http.Request) error {
	return func(r *http.Request) error {
		ofArc := r.Method == http.MethodPost || strings.HasPrefix(path, "/lockstep-verify-")
		if path == "/oauth2/token" {
			ofArc = ofArc && "https://"+r.Host == apimtest.IdentityServer
		}
		if ofArc && strings.HasSuffix(r.URL.Path, path) {
			cancel()
			<-r.Context().Done()
			return r.Context().Err()
		}
		return nil
	}
}

func TestWhatCannotBeRemovedIsSaidBesideTheFirstFailure(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{NoJar: true})
	w.Register(t, apimtest.KeyManager())
	a := arc(w)
	a.Waits.Revoked = quick.Revoked
	w.Before(func(r *http.Request) error {
		if r.Method == http.MethodDelete {
			return errors.New("connection reset")
		}
		return nil
	})
	_, err := a.Run(context.Background(), config.VerifyFull)
	wantBroken(t, err, "the gateway still lets the revoked token through", "still there", "deleting application", "connection reset", "the next one removes it")
	w.Before(nil)
	if err := arc(w).CleanUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkNothingLeft(t, w)
}

func TestAFailedCleanUpFailsAVerificationThatWasFineOtherwise(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	w.Before(func(r *http.Request) error {
		if r.Method == http.MethodDelete {
			return errors.New("connection reset")
		}
		return nil
	})
	_, err := arc(w).Run(context.Background(), config.VerifyToken)
	wantText(t, err, "removing what the verification made", "connection reset")
}

// The publisher lists APIs from an index that is behind.
func TestAnAPIThatIsNotListedYetIsRemovedAllTheSame(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	w.Before(func(r *http.Request) error {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/publisher/v4/apis") {
			r.URL.RawQuery = "query=nothing-of-that-name"
		}
		return nil
	})
	if _, err := arc(w).Run(context.Background(), config.VerifyFull); err != nil {
		t.Fatal(err)
	}
	w.Before(nil)
	checkNothingLeft(t, w)
}

// The attempt that was given up learns of it late, when its successor has swept and begun.
func TestAnAttemptThatWasGivenUpLeavesItsSuccessorAlone(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := w.Register(t, apimtest.KeyManager())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := cancelAt("/oauth2/revoke", cancel)
	w.Before(func(r *http.Request) error {
		if err := at(r); err != nil {
			w.Before(nil)
			leave(t, w, "run2", manager)
			return err
		}
		return nil
	})
	if _, err := arc(w).Run(ctx, config.VerifyFull); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the cancellation", err)
	}
	left := w.Left(t)
	left = slices.DeleteFunc(left, func(name string) bool { return strings.HasPrefix(name, "client ") })
	if !slices.Equal(left, []string{"applications lockstep-verify-run2", "apis lockstep-verify-run2"}) {
		t.Errorf("left: %v, want what the successor made", left)
	}
}
