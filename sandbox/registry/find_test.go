package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChartsAreFoundInCheckoutsAndArchives(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("helm-apim/all-in-one/Chart.yaml", "name: wso2am-all-in-one\nversion: 1.0.0\n")
	write("helm-apim/all-in-one/charts/part/Chart.yaml", "name: part\nversion: 1.0.0\n")
	write("helm-apim/all-in-one/values.yaml", "a: b\n")
	write("kubernetes-is/.git/Chart.yaml", "name: nothing\n")
	write("kubernetes-is/Chart.yaml", "name: identity-server\nversion: 7.1.0\n")
	archive, err := Pack(filepath.Join(dir, "kubernetes-is"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "kubernetes-is")); err != nil {
		t.Fatal(err)
	}
	write("is.tgz", string(archive))

	got, err := Find(dir)
	want := map[string]string{"wso2am-all-in-one": filepath.Join(dir, "helm-apim", "all-in-one"), "identity-server": filepath.Join(dir, "is.tgz")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}

	write("again.tgz", string(archive))
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "are both chart identity-server") {
		t.Errorf("of two charts with one name it says: %v", err)
	}
	if _, err := Find(t.TempDir()); err == nil || !strings.Contains(err.Error(), "neither a .tgz nor a Chart.yaml") {
		t.Errorf("of no chart it says: %v", err)
	}
}
