package apim_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/internal/apim"
	"lockstep/internal/failure"
	"lockstep/internal/rest"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/test/apimtest"
)

func mustEnsure(t *testing.T, w *apimtest.World, wanted apim.KeyManager, note string) apim.KeyManager {
	t.Helper()
	stored, got, err := w.Client().Ensure(context.Background(), wanted)
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
	first := mustEnsure(t, w, apimtest.KeyManager(), "registered")
	mustEnsure(t, w, apimtest.KeyManager(), "unchanged")
	again := mustEnsure(t, w, changed("displayName", "Another"), "updated displayName")
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
	mustEnsure(t, w, apimtest.KeyManager(), "updated displayName")
}

func TestKeyManagersInTheWayAreNamed(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	mustEnsure(t, w, apimtest.KeyManager(), "registered")
	for name, c := range map[string]struct {
		wanted apim.KeyManager
		want   string
	}{
		"one with the issuer":                 {changed("name", "Another"), `key manager "WSO2IS7" has the issuer "https://km.example.test/oauth2/token" already`},
		"one with the name, of another type":  {changed("name", "Resident Key Manager"), ""},
		"the resident one, which none may be": {apim.KeyManager{"name": "Resident Key Manager", "type": "WSO2-IS-7", "issuer": "x"}, "of type default"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.Client().Ensure(context.Background(), c.wanted)
			if !failure.Is(err, failure.Conflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAProbeTellsWhetherKeysCanBeGeneratedAndLeavesNothing(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	probe := apim.Probe{Client: w.Client(), Manager: w.Register(t, apimtest.KeyManager()), Name: "probe"}
	if err := probe.Once(context.Background()); err != nil {
		t.Error(err)
	}
	probe.Manager = mustEnsure(t, w, changed("enabled", false), "updated enabled")
	if err := probe.Once(context.Background()); err == nil {
		t.Error("a disabled key manager passes")
	}
	if left := w.Left(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAProbeThatIsRefusedForGoodDoesNotWaitForItsTimeToEnd(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := mustEnsure(t, w, changed("enabled", false), "registered")
	probe := apim.Probe{Client: w.Client(), Manager: manager, Name: "probe"}
	carbontest.Eventually(t, "it is known where keys are made", func() bool { return rest.Code(probe.Once(context.Background())) != apim.NotRegistered })
	err := probe.UntilKnown(context.Background(), func(string) {})
	if failure.IsRetryable(err) || !strings.Contains(err.Error(), "cannot generate keys") {
		t.Errorf("got %v", err)
	}
}

func TestAProbeEndsWhenAProductCannotComeBack(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	explain := func(context.Context, error) error {
		return failure.Final(failure.NotReady, "container wso2am of Pod apim/x: CrashLoopBackOff")
	}
	probe := apim.Probe{Client: w.Client(), Manager: w.Register(t, apimtest.KeyManager()), Name: "probe", Explain: explain}
	w.Before(func(*http.Request) error { return errors.New("connection refused") })
	err := probe.UntilKnown(context.Background(), func(string) {})
	if !failure.Is(err, failure.NotReady) || failure.IsRetryable(err) || !strings.Contains(err.Error(), "container wso2am of Pod apim/x") {
		t.Errorf("got %v", err)
	}
}

func TestAProbeWhoseNameIsTakenTakesAnother(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx := context.Background()
	probe := apim.Probe{Client: w.Client(), Manager: w.Register(t, apimtest.KeyManager()), Name: "probe"}
	if _, err := probe.Client.CreateApplication(ctx, "probe-1"); err != nil { // its answer was cut off
		t.Fatal(err)
	}
	if err := probe.Once(ctx); err != nil {
		t.Error(err)
	}
}

func TestUndoOfARegistrationGoesBackToWhatWasThere(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	const name = "WSO2IS7"
	mapped := changed("claimMapping", []map[string]string{{"remoteClaim": "a", "localClaim": "b"}})
	before := w.Register(t, mapped)

	mustEnsure(t, w, changed("displayName", "Changed by the run"), "updated displayName")
	if err := c.Restore(ctx, name, before, carbontest.AdminPassword, "lockstep-"); err != nil {
		t.Fatal(err)
	}
	stored, err := c.FindKeyManager(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if differing := apim.Differs(stored, before); len(differing) > 0 {
		t.Errorf("differs in %v", differing)
	}
	probe := apim.Probe{Client: c, Manager: stored, Name: "probe"}
	if err := probe.Once(ctx); err != nil {
		t.Errorf("the password did not survive: %v", err)
	}

	if err := c.Restore(ctx, name, nil, carbontest.AdminPassword, "lockstep-"); err != nil {
		t.Fatal(err)
	}
	if stored, err := c.FindKeyManager(ctx, name); err != nil || stored != nil {
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
	if err := c.Restore(ctx, "WSO2IS7", before, carbontest.AdminPassword, "lockstep-"); err != nil {
		t.Fatal(err)
	}
	stored, err := c.FindKeyManager(ctx, "WSO2IS7")
	if err != nil || stored == nil {
		t.Fatalf("not there: %v", err)
	}
	probe := apim.Probe{Client: c, Manager: stored, Name: "probe"}
	carbontest.Eventually(t, "keys are generated with the password", func() bool { return probe.Once(ctx) == nil })
}

func TestAnUndoWhoseKeyManagerIsNotHeardOfInTimeEndsWithWhatToDo(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	probe := apim.Probe{Client: w.Client(), Manager: w.Register(t, apimtest.KeyManager()), Name: "probe"}
	err := probe.UntilHeardOf(ctx, func(string) {})
	if !failure.Is(err, failure.NotReady) || failure.IsRetryable(err) || !strings.Contains(err.Error(), "cannot generate keys with it yet") {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if err := probe.UntilHeardOf(ctx, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it ended with %v", err)
	}
}
