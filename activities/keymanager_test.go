package activities

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/diagnosis"
	"lockstep/internal/rest"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/test/apimtest"
)

func mustUpsert(t *testing.T, w *apimtest.World, wanted apim.KeyManager, note string) apim.KeyManager {
	t.Helper()
	stored, got, err := upsert(context.Background(), w.Client(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if got != note || stored.ID() == "" {
		t.Errorf("%s: %q, not %q", stored.ID(), got, note)
	}
	return stored
}

func changed(key string, value any) apim.KeyManager {
	manager := apimtest.KeyManager()
	manager[key] = value
	return manager
}

func TestARegistrationIsMadeOnceAndMendedWhereItDiffers(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	first := mustUpsert(t, w, apimtest.KeyManager(), "registered")
	mustUpsert(t, w, apimtest.KeyManager(), "unchanged")
	again := mustUpsert(t, w, changed("displayName", "Another"), "updated displayName")
	if first.ID() != again.ID() {
		t.Error("there are two registrations")
	}
}

func TestARegistrationThatSomebodyElseMakesMeanwhileIsMended(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	other, once := w.Client(), false
	w.Before(func(r *http.Request) error {
		if once || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/key-managers") {
			return nil
		}
		once = true
		_, err := other.CreateKeyManager(context.Background(), changed("displayName", "Theirs"))
		return err
	})
	mustUpsert(t, w, apimtest.KeyManager(), "updated displayName")
}

func TestKeyManagersInTheWayAreNamed(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	mustUpsert(t, w, apimtest.KeyManager(), "registered")
	for name, c := range map[string]struct {
		wanted apim.KeyManager
		want   string
	}{
		"one with the issuer":                 {changed("name", "Another"), `key manager "WSO2IS7" has the issuer "https://km.example.test/oauth2/token" already`},
		"one with the name, of another type":  {changed("name", "Resident Key Manager"), ""},
		"the resident one, which none may be": {apim.KeyManager{"name": "Resident Key Manager", "type": "WSO2-IS-7", "issuer": "x"}, "of type default"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := upsert(context.Background(), w.Client(), c.wanted)
			var app *temporal.ApplicationError
			if !errors.As(err, &app) || app.Type() != TypeConflict || !strings.Contains(app.Message(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAProbeTellsWhetherKeysCanBeGeneratedAndLeavesNothing(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	probe := prober{apim: w.Client(), manager: w.Register(t, apimtest.KeyManager()), name: "probe"}
	if err := probe.once(context.Background()); err != nil {
		t.Error(err)
	}
	probe.manager = mustUpsert(t, w, changed("enabled", false), "updated enabled")
	if err := probe.once(context.Background()); err == nil {
		t.Error("a disabled key manager passes")
	}
	if left := w.Left(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAProbeThatIsRefusedForGoodDoesNotWaitForItsTimeToEnd(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := mustUpsert(t, w, changed("enabled", false), "registered")
	probe := prober{apim: w.Client(), manager: manager, name: "probe", classify: func(_ context.Context, err error) error { return classifyProduct(err) }}
	carbontest.Eventually(t, "it is known where keys are made", func() bool { return rest.Code(probe.once(context.Background())) != notRegistered })
	err := probe.untilKnown(context.Background(), func(string) {})
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.NonRetryable() || !strings.Contains(app.Message(), "cannot generate keys") {
		t.Errorf("got %v", err)
	}
}

func TestAProbeEndsWhenAProductCannotComeBack(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	p := &products{diagnose: func(context.Context) error {
		return (&diagnosis.Problem{Reason: "CrashLoopBackOff", Object: "container wso2am of Pod apim/x", NextMove: "read its log"}).Failure()
	}}
	probe := prober{apim: w.Client(), manager: w.Register(t, apimtest.KeyManager()), name: "probe", classify: p.classify}
	w.Before(func(*http.Request) error { return errors.New("connection refused") })
	err := probe.untilKnown(context.Background(), func(string) {})
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != TypeNotReady || !strings.Contains(app.Message(), "does not answer any more: container wso2am of Pod apim/x") {
		t.Errorf("got %v", err)
	}
}

func TestAProbeWhoseNameIsTakenTakesAnother(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx := context.Background()
	probe := prober{apim: w.Client(), manager: w.Register(t, apimtest.KeyManager()), name: "probe"}
	if _, err := probe.apim.CreateApplication(ctx, "probe-1"); err != nil { // its answer was cut off
		t.Fatal(err)
	}
	if err := probe.once(ctx); err != nil {
		t.Error(err)
	}
}

func TestUndoOfARegistrationGoesBackToWhatWasThere(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	km := config.KeyManager{Name: "WSO2IS7"}
	mapped := changed("claimMapping", []map[string]string{{"remoteClaim": "a", "localClaim": "b"}})
	before := w.Register(t, mapped)

	mustUpsert(t, w, changed("displayName", "Changed by the run"), "updated displayName")
	if err := restoreKeyManager(ctx, &products{apim: c, admin: carbontest.AdminPassword}, km, KeyManagerState{Exists: true, Manager: before}); err != nil {
		t.Fatal(err)
	}
	stored, err := c.FindKeyManager(ctx, km.Name)
	if err != nil {
		t.Fatal(err)
	}
	if differing := apim.Differs(stored, before); len(differing) > 0 {
		t.Errorf("differs in %v", differing)
	}
	probe := prober{apim: c, manager: stored, name: "probe"}
	if err := probe.once(ctx); err != nil {
		t.Errorf("the password did not survive: %v", err)
	}

	if err := restoreKeyManager(ctx, &products{apim: c, admin: carbontest.AdminPassword}, km, KeyManagerState{}); err != nil {
		t.Fatal(err)
	}
	if stored, err := c.FindKeyManager(ctx, km.Name); err != nil || stored != nil {
		t.Errorf("still there: %v, %v", stored, err)
	}
}

func TestUndoRegistersWhatAPIManagerHasLost(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	before := w.Register(t, apimtest.KeyManager())
	if err := c.DeleteKeyManager(ctx, before.ID()); err != nil {
		t.Fatal(err)
	}
	p := &products{apim: c, admin: carbontest.AdminPassword}
	if err := restoreKeyManager(ctx, p, config.KeyManager{Name: "WSO2IS7"}, KeyManagerState{Exists: true, Manager: before}); err != nil {
		t.Fatal(err)
	}
	stored, err := c.FindKeyManager(ctx, "WSO2IS7")
	if err != nil || stored == nil {
		t.Fatalf("not there: %v", err)
	}
	probe := prober{apim: c, manager: stored, name: "probe"}
	carbontest.Eventually(t, "keys are generated with the password", func() bool { return probe.once(ctx) == nil })
}

func TestAnUndoWhoseKeyManagerIsNotHeardOfInTimeEndsWithWhatToDo(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	probe := prober{apim: w.Client(), manager: w.Register(t, apimtest.KeyManager()), name: "probe"}
	err := probe.untilHeardOf(ctx, func(string) {})
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.NonRetryable() || app.Type() != TypeNotReady || !strings.Contains(app.Message(), "does not know it yet") {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if err := probe.untilHeardOf(ctx, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it ended with %v", err)
	}
}
