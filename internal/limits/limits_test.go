package limits_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/failure"
	"lockstep/internal/limits"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// An author writes into chart values what the fields of the file refuse.
func TestWhatAChartMakesIsHeldToWhatTheClusterAllows(t *testing.T) {
	c := clusters.Cluster{Name: "shared", Allow: clusters.Allow{Namespaces: []string{"team-*"}, CANamespaces: []string{"team-keys"}, ImageRegistries: []string{"registry.example.com/team"}}}
	for name, test := range map[string]struct {
		text, want string
	}{
		"an allowed image":    {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: {containers: [{image: registry.example.com/team/is:1}]}}}}`, ""},
		"a foreign image":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: {containers: [{image: "evil.example.com/x:1"}]}}}}`, `Deployment x has image "evil.example.com/x:1"`},
		"an init container":   {`{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: {spec: {initContainers: [{image: busybox}]}}}}`, `image "busybox"`},
		"a scheduled job":     {`{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: busybox}]}}}}}}`, `image "busybox"`},
		"an image volume":     {`{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {volumes: [{image: {reference: evil.example.com/y}}]}}`, "evil.example.com/y"},
		"its own namespace":   {`{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: own}}`, ""},
		"an allowed one":      {`{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: team-b}}`, ""},
		"one for keys of CAs": {`{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: team-keys}}`, "for keys of CAs"},
		"within a list":       {`{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: inner}, spec: {containers: [{image: busybox}]}}]}`, `Pod inner has image "busybox"`},
		"a foreign namespace": {`{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: kube-system}}`, `Secret x is in namespace "kube-system"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := limits.Objects(c, config.Chart{OCI: "oci://x/y", Version: "1"}, "own", []*unstructured.Unstructured{object(t, test.text)})
			if test.want == "" && err != nil || test.want != "" && (!failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	c.Gateway.Chart = config.Chart{OCI: "oci://gateway/chart", Version: "v1"}
	if err := limits.Objects(c, c.Gateway.Chart, "own", []*unstructured.Unstructured{object(t, `{kind: Pod, apiVersion: v1, metadata: {name: x}, spec: {containers: [{image: envoy}]}}`)}); err != nil {
		t.Errorf("the cluster's own chart: %v", err)
	}
}
