package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/cluster"
	"lockstep/sandbox/registry"
	"lockstep/test/world"
	"lockstep/workflows/board"
)

// realChartsVar names a folder with checkouts of WSO2's charts: helm-apim and kubernetes-is. See docs/real-charts.md.
const realChartsVar = "LOCKSTEP_REAL_CHARTS"

// realCharts are packed charts by name. None of them is the project's: they are read where they are.
type realCharts map[string]string

func TestTheRealChartsDeploy(t *testing.T) {
	root := os.Getenv(realChartsVar)
	if root == "" {
		t.Skipf("%s is not set", realChartsVar)
	}
	charts := packCharts(t, root)
	var args []string
	for name, archive := range charts {
		args = append(args, "--charts", name+"="+archive)
	}
	w := world.InSandbox(t, "it serves the charts", args...)
	w.Absent(t)
	before := w.Snapshot(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *world.World)
	}{
		{"a deployment whose API Manager crashes is undone", testRealCrash},
		{"a deployment proves the whole arc", charts.testDeploy},
		{"a second deployment changes nothing", testRealSecondDeploy},
		{"what the charts make holds no secret", testRealSecrets},
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(t, w) }) {
			t.FailNow()
		}
	}
	t.Run("a purge leaves what was there before, and the image", func(t *testing.T) {
		w.Expect(t, world.Done, "teardown", "--purge", "-f", realFile(t, nil))
		after := w.Snapshot(t)
		maps.DeleteFunc(after, func(name string, _ any) bool {
			return strings.HasPrefix(name, "tag wso2is-km:") || strings.HasPrefix(name, "manifest wso2is-km@")
		})
		if diff := before.Differs(after); diff != "" {
			t.Error(diff)
		}
	})
}

// realFile is examples/quickstart.yaml with the chart of Identity Server that there is a checkout of.
func realFile(t *testing.T, changes map[string]any) string {
	t.Helper()
	all := map[string]any{"identityServer.chart.version": "7.1.0-3", "gateway.chart.version": "v1.7.0"}
	maps.Copy(all, changes)
	return world.File(t, all)
}

func testRealCrash(t *testing.T, w *world.World) {
	undone(t, w, func() world.Said {
		return w.Lockstep(t, "deploy", "-f", realFile(t, crashing()))
	}).Says(t, "step api-manager failed", "nothing.here", undoneText)
}

func (c realCharts) testDeploy(t *testing.T, w *world.World) {
	o := deployedReal(t, w)
	if o.Outcome != board.OutcomeDone || len(o.Result.Verified) != 6 {
		t.Errorf("outcome %s, proved %v", o.Outcome, o.Result.Verified)
	}
	used := map[string]string{}
	for _, release := range o.Result.Releases {
		used[release.ChartDigest] = release.ChartVersion
	}
	want := map[string]string{}
	for name, version := range map[string]string{"wso2am-all-in-one": "4.7.0-1", "identity-server": "7.1.0-3", "gateway-helm": "v1.7.0"} {
		archive, err := os.ReadFile(c[name])
		if err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprintf("sha256:%x", sha256.Sum256(archive))] = version
	}
	if diff := cmp.Diff(want, used); diff != "" {
		t.Errorf("charts (-real +used):\n%s", diff)
	}
}

func testRealSecondDeploy(t *testing.T, w *world.World) {
	objects, pods, pushes := w.Versions(t), w.Pods(t), len(w.Pushes(t))
	deployedReal(t, w)
	if now := w.Pushes(t); len(now) != pushes {
		t.Errorf("pushed again: %v", now[pushes:])
	}
	if diff := cmp.Diff(pods, w.Pods(t)); diff != "" {
		t.Errorf("pods:\n%s", diff)
	}
	if diff := cmp.Diff(objects, w.Versions(t)); diff != "" {
		t.Errorf("resource versions:\n%s", diff)
	}
}

func testRealSecrets(t *testing.T, w *world.World) {
	w.LearnSecrets(t)
	places := w.Releases(t)
	for _, object := range w.Objects(t) {
		raw, err := json.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		if object.GetKind() != "Secret" {
			places[cluster.RefOf(object).String()] = raw
		}
	}
	for place, text := range places {
		for name, secret := range w.Secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("%s is in %s", name, place)
			}
		}
	}
}

func deployedReal(t *testing.T, w *world.World) world.Outcome {
	t.Helper()
	said := w.Expect(t, world.Done, "deploy", "-f", realFile(t, nil), "-o", "json")
	var o world.Outcome
	if err := json.Unmarshal([]byte(said.Out), &o); err != nil {
		t.Fatalf("%v:\n%s", err, said.Out)
	}
	return o
}

// packCharts packs the charts.
func packCharts(t *testing.T, root string) realCharts {
	t.Helper()
	packed := realCharts{}
	for name, folder := range map[string]string{
		"wso2am-all-in-one": filepath.Join(root, "helm-apim", "all-in-one"),
		"identity-server":   filepath.Join(root, "kubernetes-is"),
		"gateway-helm":      filepath.Join("..", "..", "bin", "charts", "gateway-helm-1.7"), // which the sandbox serves anyway
	} {
		archive, err := registry.Pack(folder)
		if err != nil {
			t.Fatal(err)
		}
		packed[name] = filepath.Join(t.TempDir(), name+".tgz")
		if err := os.WriteFile(packed[name], archive, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return packed
}
