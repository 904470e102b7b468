package charts_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// realVar names a folder with checkouts of the real charts: helm-apim and kubernetes-is.
const realVar = "LOCKSTEP_REAL_CHARTS"

func TestTheSimulatedChartsMakeTheObjectsOfTheRealOnes(t *testing.T) {
	root := os.Getenv(realVar)
	if root == "" {
		t.Skipf("%s is not set", realVar)
	}
	stores := `
kubernetes: {gatewayAPI: {gatewayName: gw, defaultConfigMapCreation: true, backendTLSPolicy: {enabled: true, caCertificateConfigMap: wso2-ca-cert}, backendTrafficPolicy: {enabled: true}}}
wso2:
  apim:
    configurations:
      existingSecret: {secretName: s, adminPasswordKey: a, encryptionKeyKey: e}
      security:
        jksSecretName: k
        jksExistingSecret: {secretName: s, tlsKeystorePasswordKey: p, tlsKeystoreKeyPasswordKey: p, primaryKeystorePasswordKey: p, primaryKeystoreKeyPasswordKey: p, truststorePasswordKey: p}
        keystores: {primary: {enabled: true, name: p.jks}, tls: {name: t.jks}, internal: {enabled: true, name: i.jks}}
  deployment: {highAvailability: true, image: {registry: r, repository: p, tag: t, digest: 'sha256:1'}}
`
	for name, test := range map[string]struct {
		simulated, real *chart.Chart
		release, values string
		deployments     []string
	}{
		"identity server": {
			simulated(t, identityServer71), realChart(t, filepath.Join(root, "kubernetes-is")), "is",
			"deployment: {replicas: 2, externalJKS: {enabled: true}}\nwso2: {subscription: {username: u, password: p}}",
			[]string{"is-identity-server"},
		},
		"api manager": {
			simulated(t, apiManager), realChart(t, filepath.Join(root, "helm-apim", "all-in-one")), "apim", stores,
			[]string{"apim-wso2am-all-in-one-am-deployment-1", "apim-wso2am-all-in-one-am-deployment-2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ours := mustRender(t, test.simulated, test.release, "ns", test.values)
			theirs := mustRender(t, test.real, test.release, "ns", test.values)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(theirs)), slices.Sorted(maps.Keys(ours))); diff != "" {
				t.Errorf("objects (-real +simulated):\n%s", diff)
			}
			for _, deployment := range test.deployments {
				compareContainers(t, theirs, ours, deployment)
			}
			unknownValues(t, "", test.real.Values, test.simulated.Values)
		})
	}
}

func compareContainers(t *testing.T, theirs, ours objects, deployment string) {
	t.Helper()
	real, own := theirs.container(t, deployment), ours.container(t, deployment)
	for what, pair := range map[string][2]any{
		"name": {real.Name, own.Name}, "image": {real.Image, own.Image}, "mounts": {mounts(real), mounts(own)}, "ports": {ports(real), ports(own)},
		"startup probe": {real.StartupProbe, own.StartupProbe}, "liveness probe": {real.LivenessProbe, own.LivenessProbe},
		"readiness probe": {real.ReadinessProbe, own.ReadinessProbe}, "resources": {real.Resources, own.Resources},
		"security context": {real.SecurityContext, own.SecurityContext}, "args": {real.Args, own.Args},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s of %s (-real +simulated):\n%s", what, deployment, diff)
		}
	}
	var realEnv, ownEnv []string
	for _, variable := range real.Env {
		realEnv = append(realEnv, variable.Name)
	}
	for _, variable := range own.Env {
		ownEnv = append(ownEnv, variable.Name)
	}
	slices.Sort(realEnv)
	slices.Sort(ownEnv)
	if diff := cmp.Diff(realEnv, ownEnv); diff != "" {
		t.Errorf("environment of %s (-real +simulated):\n%s", deployment, diff)
	}
}

// unknownValues reports values keys that the simulated chart has and the real one has not.
func unknownValues(t *testing.T, path string, real, own map[string]any) {
	t.Helper()
	for key, value := range own {
		other, known := real[key]
		if !known {
			t.Errorf("values key %s%s is not one of the real chart", path, key)
		}
		ownMap, isMap := value.(map[string]any)
		if realMap, alsoMap := other.(map[string]any); isMap && alsoMap {
			unknownValues(t, path+key+".", realMap, ownMap)
		}
	}
}

func realChart(t *testing.T, folder string) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
