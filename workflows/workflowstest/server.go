package workflowstest

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
)

// Server starts a Temporal dev server from bin/ with those search attributes, all of type Keyword, points Temporal's own
// settings at it and stops it when the test ends. Without bin/temporal the test is skipped, or fails when
// LOCKSTEP_REQUIRE_SANDBOX=1.
func Server(t *testing.T, searchAttributes ...string) (c client.Client, address string) {
	t.Helper()
	var args []string
	for _, name := range searchAttributes {
		args = append(args, "--search-attribute="+name+"=Keyword")
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath:  program(t),
		ClientOptions: &client.Options{Logger: Silent{}},
		LogLevel:      "error",
		Stdout:        io.Discard,
		Stderr:        io.Discard,
		ExtraArgs:     append(args, "--disable-config-file", "--disable-config-env"),
	})
	if err != nil {
		t.Fatalf("starting the Temporal dev server: %v", err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	Settings(t, server.FrontendHostPort())
	return server.Client(), server.FrontendHostPort()
}

// Settings are Temporal's own: an address and nothing of the machine's.
func Settings(t *testing.T, address string) {
	t.Helper()
	t.Setenv("TEMPORAL_ADDRESS", address)
	t.Setenv("TEMPORAL_NAMESPACE", client.DefaultNamespace)
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "absent.toml"))
	for _, name := range []string{"TEMPORAL_PROFILE", "TEMPORAL_API_KEY", "TEMPORAL_TLS"} {
		t.Setenv(name, "")
	}
}

func program(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(folder, "go.mod")) {
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the working directory")
		}
		folder = filepath.Dir(folder)
	}
	program := filepath.Join(folder, "bin", "temporal")
	if exists(program) {
		return program
	}
	if os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") == "1" {
		t.Fatal("bin/temporal is not built; run `make tools`")
	}
	t.Skip("bin/temporal is not built; run `make tools`")
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Silent is a logger that drops everything.
type Silent struct{}

var _ log.Logger = Silent{}

// Debug drops it.
func (Silent) Debug(string, ...any) {}

// Info drops it.
func (Silent) Info(string, ...any) {}

// Warn drops it.
func (Silent) Warn(string, ...any) {}

// Error drops it.
func (Silent) Error(string, ...any) {}
