package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheRightsOfAWorkerArePrinted(t *testing.T) {
	folder := t.TempDir()
	text := "apiVersion: lockstep/v1\nkind: Cluster\nname: prod-eu\nkubeconfig: eu\ngateway: {install: false}\nallow: {namespaces: [apim-*]}\n"
	if err := os.WriteFile(filepath.Join(folder, "eu.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	text = "apiVersion: lockstep/v1\nkind: Cluster\nname: prod-us\nkubeconfig: us\nallow: {namespaces: [one, two, keys], caNamespaces: [keys]}\n"
	if err := os.WriteFile(filepath.Join(folder, "us.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOCKSTEP_CLUSTERS", folder)
	setup := func(args ...string) ran { return lockstep(t.Context(), append([]string{"setup", "rbac"}, args...)...) }

	setup("--cluster", "prod-eu").wants(t, exitBadInput, "--namespaces is missing", "apim-*", "eu.yaml")
	setup("--cluster", "prod-eu", "--namespaces", "default").wants(t, exitBadInput, `"default" is refused`, "apim-*", "allow.namespaces")
	setup("--cluster", "prod-eu", "--namespaces", "kube-system").wants(t, exitBadInput, `"kube-system" is no name of a namespace`)
	setup("--cluster", "prod-eu", "--namespaces", "apim-1", "--ca-namespaces", "cas").wants(t, exitBadInput, `--ca-namespaces: "cas" is refused`, "keys of CAs in none", "allow.caNamespaces in")
	setup("--cluster", "prod-us", "--namespaces", "one,keys").wants(t, exitBadInput, `--namespaces: "keys" is refused`, "allow.caNamespaces")
	setup("--cluster", "prod-us", "--ca-namespaces", "two").wants(t, exitBadInput, `--ca-namespaces: "two" is refused`, "keys of CAs in keys")
	setup("--cluster", "prod-us", "--ca-namespaces", "keys").wants(t, exitDone, "name: lockstep-worker-prod-us\n  namespace: keys\n")
	setup("--cluster", "prod-eu", "--namespaces", "apim-*").wants(t, exitBadInput, `"apim-*" is no name of a namespace`)
	setup("--cluster", "prod-eu", "--namespaces", "apim-1", "--account", "worker").wants(t, exitBadInput, `--account "worker"`, "lockstep/worker")
	setup("--cluster", "prod-ue", "--namespaces", "apim-1").wants(t, exitBadInput, "did you mean prod-eu?")

	printed := setup("--cluster", "prod-eu", "--namespaces", "apim-1,apim-2", "--account", "ops/deployer")
	printed.wants(t, exitDone, "kind: ServiceAccount\n", "name: deployer\n  namespace: ops\n", "name: lockstep-worker-prod-eu\n  namespace: apim-2\n")
	if strings.Contains(printed.stdout, "clusterroles") {
		t.Errorf("it may install the gateway:\n%s", printed.stdout)
	}
	printed = setup("--cluster", "prod-us", "-o", "json")
	printed.wants(t, exitDone)
	var list struct {
		Kind  string
		Items []struct {
			Kind     string
			Metadata struct{ Namespace string }
		}
	}
	if err := json.Unmarshal([]byte(printed.stdout), &list); err != nil || list.Kind != "List" {
		t.Fatalf("%v: %s", err, printed.stdout)
	}
	roles := map[string]bool{}
	for _, item := range list.Items {
		roles[item.Kind+" "+item.Metadata.Namespace] = true
	}
	for _, want := range []string{"Role one", "Role two", "Role envoy-gateway-system", "Role default", "ClusterRole ", "RoleBinding one", "ServiceAccount lockstep"} {
		if !roles[want] {
			t.Errorf("no %s among %v", want, roles)
		}
	}
	if roles["Role keys"] {
		t.Error("environments may be where the keys of CAs are")
	}
}
