package controlplane

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"lockstep/sandbox/process"
)

// Temporal is a running Temporal dev server.
type Temporal struct {
	// Address is host:port of the frontend.
	Address string
	// UI is the URL of the web interface.
	UI string
}

// StartTemporal brings up the dev server with its UI, a database file, the namespace "default" and Lockstep's search
// attributes, and returns when all of that answers.
func StartTemporal(ctx context.Context, o Options) (*Temporal, error) {
	port, err := o.Port()
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	ui, err := o.Port()
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	address := o.network().Address
	server, err := o.Start(temporal(o, port, ui))
	if err != nil {
		return nil, err
	}
	t := &Temporal{Address: fmt.Sprintf("%s:%d", address, port), UI: fmt.Sprintf("http://%s:%d", address, ui)}
	return t, server.Ready(ctx, t.probe)
}

// listen is the address that the dev server binds: in the network of a real node any, because with one of its own it looks for its parts
// on loopback all the same, and does not find them.
func listen(o Options) string {
	if o.Network == nil {
		return "127.0.0.1"
	}
	return "0.0.0.0"
}

func searchAttributes() []string { return []string{"Environment", "Operation", "Phase", "Outcome"} }

func temporal(o Options, port, ui int) process.Spec {
	args := []string{
		"server", "start-dev", "--ip=" + listen(o), "--ui-ip=" + listen(o),
		fmt.Sprintf("--port=%d", port), fmt.Sprintf("--ui-port=%d", ui),
		"--db-filename=" + filepath.Join(o.Dir, "temporal.db"),
		"--log-level=warn", "--disable-config-file", "--disable-config-env",
	}
	for _, name := range searchAttributes() {
		args = append(args, "--search-attribute="+name+"=Keyword")
	}
	return process.Spec{
		Name: "temporal",
		Path: filepath.Join(o.Bin, "temporal"),
		Args: args,
		Log:  filepath.Join(o.Dir, "logs", "temporal.log"),
	}
}

// probe answers nil once workflows can be found by the search attributes, which the server registers last.
func (t *Temporal) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: t.Address, Logger: quiet{}})
	if err != nil {
		return fmt.Errorf("dialling Temporal: %w", err)
	}
	defer c.Close()
	query := strings.Join(searchAttributes(), " IS NULL AND ") + " IS NULL"
	if _, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query}); err != nil {
		return fmt.Errorf("counting workflows: %w", err)
	}
	return nil
}

// quiet drops what the SDK logs while the server is still starting.
type quiet struct{}

var _ log.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
