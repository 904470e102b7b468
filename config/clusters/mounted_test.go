package clusters_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"lockstep/config/clusters"
)

// mount lays files out as the kubelet mounts a ConfigMap: each is a link into a folder that another link names.
func mount(t *testing.T, dir, version string, files map[string]string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, version, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, name)
		if _, err := os.Lstat(link); os.IsNotExist(err) {
			if err := os.Symlink(filepath.Join("..data", name), link); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(version, filepath.Join(dir, "..new")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
}

func TestClustersAreReadFromAConfigMap(t *testing.T) {
	dir := t.TempDir()
	file := minimal + "gateway: {valuesFile: prod.values}\n"
	mount(t, dir, "..2026_11_30_09_00_00.1", map[string]string{"prod.yaml": file, "prod.values": "deployment: {replicas: 2}\n"})
	queue := func() string {
		t.Helper()
		set, err := clusters.Load(clusters.Options{Folder: dir})
		if err != nil {
			t.Fatal(err)
		}
		return set.Queue("prod")
	}
	if got := queue(); got != "lockstep-prod" {
		t.Errorf("its task queue is %q", got)
	}
	mount(t, dir, "..2026_11_30_09_05_00.2", map[string]string{"prod.yaml": file + "taskQueue: moved\n", "prod.values": "{}\n"})
	if got := queue(); got != "moved" {
		t.Errorf("after a change its task queue is %q", got)
	}
}

func TestTheDocumentedConfigMapHasClusters(t *testing.T) {
	text, err := os.ReadFile("../../docs/worker.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n---\n")
	block, _, found := strings.Cut(rest, "```")
	var configMap struct{ Data map[string]string }
	if err := yaml.Unmarshal([]byte(block), &configMap); err != nil || !found {
		t.Fatal(found, err)
	}
	dir := t.TempDir()
	mount(t, dir, "..1", configMap.Data)
	set, err := clusters.Load(clusters.Options{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default", "prod-eu"}, set.Names()); diff != "" {
		t.Error(diff)
	}
}
