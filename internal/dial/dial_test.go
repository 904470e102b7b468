package dial

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/encoding/protojson"

	"lockstep/config/settings"
)

// options are for the server that is set, of which the machine's own settings say nothing.
func options(t *testing.T, e settings.Encryption) client.Options {
	t.Helper()
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "absent.toml"))
	o, err := Options(e)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func keys(t *testing.T) settings.Encryption {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "2026"), []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	return settings.Encryption{Keys: folder}
}

func TestOptionsAreTemporalsOwn(t *testing.T) {
	for name, want := range map[string]string{"": "default", "shop": "shop"} {
		t.Setenv("TEMPORAL_NAMESPACE", name)
		t.Setenv("TEMPORAL_ADDRESS", "")
		if o := options(t, settings.Encryption{}); o.Namespace != want || o.HostPort != client.DefaultHostPort {
			t.Errorf("%q: namespace %q at %q", name, o.Namespace, o.HostPort)
		}
	}
}

func TestKeysThatCannotBeReadAreRefusedBeforeAnybodyIsAsked(t *testing.T) {
	if _, err := Options(settings.Encryption{Keys: "/nowhere"}); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	if _, err := Temporal(t.Context(), options(t, settings.Encryption{})); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "TEMPORAL_ADDRESS") {
		t.Errorf("got %v", err)
	}
}

func TestAFailureIsReadWithTheKeyOrSaysWhichOneItTakes(t *testing.T) {
	with, without := options(t, keys(t)), options(t, settings.Encryption{})
	cause := temporal.NewApplicationError("registry.test does not answer", "Unavailable")
	failure := with.FailureConverter.ErrorToFailure(temporal.NewApplicationErrorWithCause("the image is missing", "NotFound", cause))
	if text := protojson.Format(failure); strings.Contains(text, "registry.test") || strings.Contains(text, "image") || !strings.Contains(text, "NotFound") {
		t.Errorf("stored as %s", text)
	}

	err := with.FailureConverter.FailureToError(failure)
	var found *temporal.ApplicationError
	if !errors.As(err, &found) || found.Message() != "the image is missing" || !strings.Contains(err.Error(), "registry.test") {
		t.Errorf("with the key: %v", err)
	}
	if text := (Connection{DataConverter: with.DataConverter}).Message(failure); text != "the image is missing" {
		t.Errorf("with the key: %q", text)
	}

	err = without.FailureConverter.FailureToError(failure)
	if strings.Count(err.Error(), `it was encrypted with key "2026"`) != 2 || !errors.As(err, &found) || found.Type() != "NotFound" {
		t.Errorf("without: %v", err)
	}
	if text := (Connection{DataConverter: without.DataConverter}).Message(failure); !strings.Contains(text, `key "2026"`) {
		t.Errorf("without: %q", text)
	}
	if err := with.FailureConverter.FailureToError(without.FailureConverter.ErrorToFailure(err)); !strings.Contains(err.Error(), "registry.test") {
		t.Errorf("passed on by who could not read it: %v", err)
	}
}

func TestWithoutKeysFailuresArePlain(t *testing.T) {
	o := options(t, settings.Encryption{})
	if failure := o.FailureConverter.ErrorToFailure(errors.New("no")); failure.GetMessage() != "no" || failure.GetEncodedAttributes() != nil {
		t.Errorf("got %v", failure)
	}
	if o.FailureConverter.FailureToError(nil) != nil {
		t.Error("no failure is an error")
	}
}
