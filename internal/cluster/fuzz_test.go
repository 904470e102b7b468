package cluster

import (
	"os"
	"path/filepath"
	"testing"
)

// Kubeconfigs are of whoever runs the worker; what a context names may be of a cloud's tools.

func FuzzAKubeconfigNeverPanics(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority-data: eA==}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {token: x}}]\n"))
	f.Add([]byte("clusters: [{name: a, cluster: {server: '%zz', proxy-url: ':'}}]\nusers: [{name: a, user: {exec: {command: ''}}}]\ncontexts: [{name: a}]\ncurrent-context: a\n"))
	f.Add([]byte("current-context: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		restConfig, _, err := load(Reach{Kubeconfig: file})
		if err != nil {
			return
		}
		_, _ = NewForConfig(restConfig) // connects to nothing
	})
}
