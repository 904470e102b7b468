package api

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClustersAreListedWithTheEnvironmentsThatTheCallerMayRead(t *testing.T) {
	s := running(t)
	for token, want := range map[string][]ClusterEnvironment{reader: {{"dev", "apim"}}, root: {{"dev", "apim"}, {"hidden", "other"}}} {
		a := s.get("/v1/clusters", token)
		if a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", token, a.body)
		}
		var listed struct{ Clusters []Cluster }
		if err := json.Unmarshal([]byte(a.body), &listed); err != nil {
			t.Fatal(err)
		}
		if len(listed.Clusters) != 1 || listed.Clusters[0].Kubernetes != "v1.35.0" || listed.Clusters[0].Workers != 1 || listed.Clusters[0].TaskQueue != "lockstep" {
			t.Fatalf("%s: %+v", token, listed.Clusters)
		}
		if diff := cmp.Diff(want, listed.Clusters[0].Environments); diff != "" {
			t.Errorf("%s (-want +got):\n%s", token, diff)
		}
	}
	if a := s.get("/v1/clusters", ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %s", a.Status)
	}
	if a := away(t).get("/v1/clusters", root); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while Temporal is away: %s", a.Status)
	}
}
