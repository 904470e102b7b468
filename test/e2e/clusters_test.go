package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/gateway"
	"lockstep/sandbox/process"
	"lockstep/test/world"
)

// wantClusters compares what `lockstep clusters` and GET /v1/clusters say with what there is. environments are names and namespaces.
func wantClusters(t *testing.T, w *world.World, installed bool, environments map[string]string) {
	t.Helper()
	version, err := w.Cluster.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type cluster struct {
		Name, TaskQueue, Kubernetes, Gateway, Unreachable string
		Workers                                           int
		Environments                                      []struct{ Name, Namespace string }
	}
	want := cluster{Name: "default", TaskQueue: "lockstep", Workers: 1, Kubernetes: version.Git}
	if installed {
		want.Gateway = "gateway-helm " + gateway.Newest(version).Version
	}
	said := w.Expect(t, world.Done, "clusters", "-o", "json")
	var told []cluster
	if err := json.Unmarshal([]byte(said.Out), &told); err != nil {
		t.Fatalf("%v:\n%s", err, said.Out)
	}
	var listed struct{ Clusters []cluster }
	if err := json.Unmarshal(served(t, w, "/v1/clusters"), &listed); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || len(listed.Clusters) != 1 {
		t.Fatalf("the command line has %d clusters, the API %d", len(told), len(listed.Clusters))
	}
	is := told[0]
	is.Environments = append([]struct{ Name, Namespace string }{}, is.Environments...)
	if diff := cmp.Diff(is, listed.Clusters[0]); diff != "" {
		t.Errorf("the API says otherwise than the command line:\n%s", diff)
	}
	found := map[string]string{}
	for _, environment := range is.Environments {
		found[environment.Name] = environment.Namespace
	}
	if diff := cmp.Diff(environments, found); diff != "" {
		t.Errorf("environments:\n%s", diff)
	}
	is.Environments, is.Workers = nil, min(is.Workers, 1) // Temporal lists one that another test killed for minutes
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
}

// served is what an API server of the testbed answers.
func served(t *testing.T, w *world.World, path string) []byte {
	t.Helper()
	server := w.Command("lockstep", "serve", "--log-format", "json", "--api-address", "127.0.0.1:0", "--api-anonymous", "true", "--environments", t.TempDir())
	stderr, err := server.StderrPipe()
	if err == nil {
		err = process.StartChild(server)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.Msg != "API ready" {
			continue
		}
		answer, err := http.Get("http://" + entry.Address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %s, %v", path, answer.Status, body, err)
		}
		return body
	}
	t.Fatal("the API server does not start")
	return nil
}
