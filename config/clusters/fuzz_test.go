package clusters

import (
	"errors"
	"testing"

	"lockstep/config"
)

func FuzzAClusterFileNeverPanics(f *testing.F) {
	f.Add([]byte("apiVersion: lockstep/v1\nkind: Cluster\nname: prod\nkubeconfig: kube\nmirrors: {docker.io: 'https://m.example.com'}\nallow: {namespaces: ['team-*'], chartSources: ['oci://r/x'], imageRegistries: [docker.io/wso2], artifactHosts: ['*']}\n"))
	f.Add([]byte("gateway: {chart: {oci: 'oci://r.example.com/gw', version: v1.7.0, digest: sha256:0}, values: {a: [1, {b: c}]}, serviceAnnotations: {'': x}}\n"))
	f.Add([]byte("allow: &a {namespaces: ['[']}\nplainHTTP: *a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := Set{all: map[config.ClusterName]Cluster{}}
		c, err := s.parse(text, "/nowhere/cluster.yaml")
		var found config.Problems
		if err != nil && (!errors.As(err, &found) || len(found) > 60) {
			t.Errorf("%d problems: %v", len(found), err)
		}
		env := config.Environment{}
		env.Default()
		c.Check(env)
	})
}
