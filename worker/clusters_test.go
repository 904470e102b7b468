package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"

	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/workflows"
)

// clusterFiles are a folder with two clusters, each with a task queue of its own, that cannot be reached.
func clusterFiles(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"default", "prod-eu"} {
		text := "apiVersion: lockstep/v1\nkind: Cluster\nname: " + name + "\nkubeconfig: " + name + ".kubeconfig\n"
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestAWorkerServesSeveralClustersAndSaysWhichCannotBeReached(t *testing.T) {
	c, _ := server(t)
	settings := workerSettings()
	settings.Clusters = clusterFiles(t)
	w := serve(t, settings, nil)
	env, err := environments.Load("../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"lockstep", "lockstep-prod-eu"} {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.CanonicalID("quickstart"), TaskQueue: queue}, operation.Deploy, workflows.DeployInput{Request: workflows.Of(env)})
		if err == nil {
			err = run.Get(t.Context(), nil)
		}
		if err != nil {
			t.Errorf("on %s: %v", queue, err)
		}
	}
	until(t, "readyz tells of the clusters", func() bool {
		code, says := probe(w.health, "/readyz")
		return code == 200 && strings.Contains(says, "cluster default on task queue lockstep: not reachable") &&
			strings.Contains(says, "cluster prod-eu on task queue lockstep-prod-eu: not reachable")
	})
}

func TestAWorkerServesOnlyWhatItIsSetTo(t *testing.T) {
	server(t)
	settings := workerSettings()
	settings.Clusters, settings.Serves = clusterFiles(t), []string{"prod-eu"}
	w := serve(t, settings, nil)
	if got := strings.Join(w.queues, " "); got != "lockstep-prod-eu" {
		t.Errorf("it listens on %s", got)
	}
	settings.Serves = []string{"prod-us"}
	if _, err := newService(t.Context(), settings, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "setting serves") {
		t.Errorf("a cluster that there is not: %v", err)
	}
}
