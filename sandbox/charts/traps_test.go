package charts_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

func load(t *testing.T, archive []byte) *chart.Chart {
	t.Helper()
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestValuesThatTheRealChartsRefuseAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ archive, values, want string }{
		"no encryption key":              {apiManager, "{}", "Encryption key is required for symmetric encryption"},
		"pull secret of Identity Server": {identityServer, "deployment: {image: {imagePullSecret: mine}}", "nil pointer"},
		"what is not simulated":          {identityServer, "deployment: {gateway: {enabled: true}}", "does not have deployment.gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(simulated(t, test.archive), "x", "ns", test.values)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestStoresOfOneNameEndInOneMountPath(t *testing.T) {
	for name, test := range map[string]struct{ archive, deployment, values, path string }{
		"identity server": {
			identityServer, "x-identity-server", "deployment: {externalJKS: {enabled: true}}",
			"/home/wso2carbon/wso2is-7.2.0/repository/resources/security/wso2carbon.p12",
		},
		"identity server 7.1 mounts into the home of 7.1": {
			identityServer71, "x-identity-server", "deployment: {externalJKS: {enabled: true}}",
			"/home/wso2carbon/wso2is-7.1.0/repository/resources/security/wso2carbon.p12",
		},
		"api manager": {
			apiManager, "x-wso2am-all-in-one-am-deployment-1",
			strings.Replace(pattern0, "encryption:", "security: {jksSecretName: s, keystores: {primary: {enabled: true}}}, encryption:", 1),
			"/home/wso2carbon/wso2-config-volume/repository/resources/security/wso2carbon.jks",
		},
	} {
		t.Run(name, func(t *testing.T) {
			container := mustRender(t, simulated(t, test.archive), "x", "ns", test.values).container(t, test.deployment)
			paths := mounts(container)
			first := slices.Index(paths, test.path)
			if first < 0 || paths[first+1] != test.path {
				t.Errorf("%s is not mounted twice: %v", test.path, paths)
			}
			if container.StartupProbe.InitialDelaySeconds != 60 {
				t.Errorf("startup probe waits %d s", container.StartupProbe.InitialDelaySeconds)
			}
		})
	}
}

func TestADigestWinsOverTheTag(t *testing.T) {
	values := strings.Replace(pattern0, "tag: 4.7.0", "tag: mine, digest: 'sha256:0123'", 1)
	all := mustRender(t, simulated(t, apiManager), "x", "ns", values)
	if got := all.container(t, "x-wso2am-all-in-one-am-deployment-1").Image; got != "docker.io/wso2/wso2am@sha256:0123" {
		t.Errorf("image %s", got)
	}
}

func TestSecretReferencesKeepSecretsOutOfTheAPIManagerConfiguration(t *testing.T) {
	values := strings.Replace(pattern0, "encryption: {key: abc}", `adminPassword: hidden, truststore: {password: hidden},
    existingSecret: {secretName: creds, adminPasswordKey: adminPassword, encryptionKeyKey: key},
    security: {jksExistingSecret: {secretName: creds, tlsKeystorePasswordKey: p, tlsKeystoreKeyPasswordKey: p, truststorePasswordKey: p}}`, 1)
	all := mustRender(t, simulated(t, apiManager), "apim", "ns", values)
	document := all.data(t, "apim-wso2am-all-in-one-am-conf-1", "deployment.toml")
	if strings.Contains(document, "hidden") {
		t.Error("a password stands in the ConfigMap")
	}
	env := map[string]string{}
	for _, variable := range all.container(t, "apim-wso2am-all-in-one-am-deployment-1").Env {
		if ref := variable.ValueFrom; ref != nil && ref.SecretKeyRef != nil {
			env[variable.Name] = ref.SecretKeyRef.Name + "/" + ref.SecretKeyRef.Key
		}
	}
	for name, want := range map[string]string{
		"WSO2_ADMIN_PASSWORD": "creds/adminPassword", "WSO2_ENCRYPTION_KEY": "creds/key",
		"WSO2_TLS_KEYSTORE_PASSWORD": "creds/p", "WSO2_TLS_KEYSTORE_KEY_PASSWORD": "creds/p", "WSO2_TRUSTSTORE_PASSWORD": "creds/p",
	} {
		if env[name] != want {
			t.Errorf("%s comes from %q, want %q", name, env[name], want)
		}
		if !strings.Contains(document, `"$env{`+name+`}"`) {
			t.Errorf("deployment.toml has no $env{%s}", name)
		}
	}
}

func TestOnlyTheNewIdentityServerChartKnowsAuthorizeAllScopes(t *testing.T) {
	const values = "deploymentToml: {oauth: {authorizeAllScopes: true}}"
	for archive, want := range map[string]bool{identityServer: true, identityServer71: false} {
		document := mustRender(t, simulated(t, archive), "is", "ns", values).data(t, "is-identity-server-deployment-toml", "deployment.toml")
		if got := strings.Contains(document, "[oauth]\nauthorize_all_scopes = true\n\n[oauth.token_cleanup]"); got != want {
			t.Errorf("%s: authorize_all_scopes before token_cleanup is %v, want %v", archive, got, want)
		}
	}
}

func TestExtraConfigsStandBetweenTheTOTPTableAndEncryption(t *testing.T) {
	values := "deploymentToml: {extraConfigs: '[role_mgt]'}"
	document := mustRender(t, simulated(t, identityServer), "is", "ns", values).data(t, "is-identity-server-deployment-toml", "deployment.toml")
	totp := strings.Index(document, "[authentication.authenticator.totp.parameters]")
	extra := strings.Index(document, "[role_mgt]")
	encryption := strings.Index(document, "[encryption]")
	if totp < 0 || extra < totp || encryption < extra {
		t.Errorf("totp at %d, extraConfigs at %d, encryption at %d", totp, extra, encryption)
	}
}
