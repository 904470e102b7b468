package workflowstest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/sandbox/process"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// Server starts a Temporal dev server from bin/ with those search attributes, all of type Keyword, points Temporal's own
// settings at it and stops it when the test ends, however that ends. Without bin/temporal the test is skipped, or fails when
// LOCKSTEP_REQUIRE_SANDBOX=1.
func Server(t *testing.T, searchAttributes ...string) (c client.Client, address string) {
	t.Helper()
	path := program(t)
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"server", "start-dev", "--headless", "--ip=127.0.0.1", fmt.Sprintf("--port=%d", port), "--log-level=error",
		"--dynamic-config-value=frontend.enableServerVersionCheck=false", "--disable-config-file", "--disable-config-env"}
	for _, name := range searchAttributes {
		args = append(args, "--search-attribute="+name+"=Keyword")
	}
	server, err := process.Start(process.Spec{Name: "temporal", Path: path, Args: args, Log: filepath.Join(t.TempDir(), "temporal.log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(0) })
	address = fmt.Sprintf("127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Ready(ctx, func(ctx context.Context) error {
		c, err = dial(ctx, address, searchAttributes)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	Settings(t, address)
	return c, address
}

// dial connects to a server that finds workflows by its search attributes, which it registers last.
func dial(ctx context.Context, address string, searchAttributes []string) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Logger: Silent{}})
	if err != nil {
		return nil, err
	}
	var query []string
	for _, name := range searchAttributes {
		query = append(query, name+" IS NULL")
	}
	if _, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: strings.Join(query, " AND ")}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
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
