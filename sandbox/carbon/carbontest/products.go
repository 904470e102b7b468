package carbontest

import (
	"archive/zip"
	"bytes"
	"maps"
	"path"
	"testing"
)

// Homes of the products in their containers.
const (
	ISHome   = "/home/wso2carbon/wso2is-7.2.0"
	APIMHome = "/home/wso2carbon/wso2am-4.7.0"
	Jar      = "wso2is.notification.event.handlers-2.1.3.jar"
	JarClass = "org/wso2/is/notification/ApimOauthEventInterceptor.class"
)

// ISToml is a deployment.toml of Identity Server in the order of its chart's, fit to be a key manager.
const ISToml = `
[server]
hostname = "km.example.test"
offset = "0"

[transport.https.properties]
proxyPort = 443

[super_admin]
username = "admin"
password = "$env{ADMIN_PASSWORD}"
create_admin_account = true

[keystore.tls]
file_name = "tls.p12"
type = "PKCS12"
password = "$env{STORE_PASSWORD}"
alias = "1"
key_password = "$env{STORE_PASSWORD}"

[keystore.primary]
file_name = "primary.p12"
type = "PKCS12"
password = "$env{STORE_PASSWORD}"
alias = "1"
key_password = "$env{STORE_PASSWORD}"

[truststore]
file_name = "client-truststore.p12"
type = "PKCS12"
password = "$env{STORE_PASSWORD}"

[oauth]
authorize_all_scopes = true

[oauth.token_cleanup]
enable = true

[authentication.authenticator.totp.parameters]
encodingMethod = "Base32"
[role_mgt]
allow_system_prefix_for_role = true

[[resource.access_control]]
context="(.*)/scim2/Me"
secure=true
http_method="GET"
cross_tenant=true
permissions=[]
scopes=[]

[[event_listener]]
id = "token_revocation"
type = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
name = "org.wso2.is.notification.ApimOauthEventInterceptor"
order = 1
[event_listener.properties]
notification_endpoint = "https://apim-wso2am-all-in-one-am-service.apim.svc.cluster.local:9443/internal/data/v1/notify"
username = "${admin.username}"
password = "${admin.password}"
'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"

[encryption]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
`

// APIMToml is a deployment.toml of API Manager in the order of its chart's.
const APIMToml = `
[server]
hostname = "am.example.test"
offset = 0

[super_admin]
username = "admin"
password = "$env{ADMIN_PASSWORD}"

[keystore]
userstore_password_encryption = ""

[keystore.primary]
type = "JKS"
file_name = "primary.jks"
alias = "wso2carbon"
password = "$env{STORE_PASSWORD}"
key_password = "$env{STORE_PASSWORD}"

[keystore.tls]
type = "JKS"
file_name = "tls.jks"
alias = "wso2carbon"
password = "$env{STORE_PASSWORD}"
key_password = "$env{STORE_PASSWORD}"

[truststore]
type = "JKS"
file_name = "client-truststore.jks"
password = "$env{STORE_PASSWORD}"

[[apim.gateway.environment]]
name = "Default"
https_endpoint = "https://gw.example.test"

[transport.https]
properties.port = 9443
properties.proxyPort = 443

[apim.key_manager]
username= "$ref{super_admin.username}"
password= "$ref{super_admin.password}"

[encryption]
key = "$env{ENCRYPTION_KEY}"
`

// AdminPassword is that of both products.
const AdminPassword = "correct horse"

// Variables are the environment of a container, with settings over it.
func Variables(home string, settings map[string]string) map[string]string {
	variables := map[string]string{
		"WSO2_SERVER_HOME": home, "ADMIN_PASSWORD": AdminPassword, "STORE_PASSWORD": Password,
		"ENCRYPTION_KEY": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	}
	maps.Copy(variables, settings)
	return variables
}

// ISFiles are an Identity Server pod's: the stores mounted into the server's home, the configuration by its volume, and,
// as the image Lockstep builds has it, the notification handler.
func ISFiles(t testing.TB, stores Stores, toml string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{
		"/home/wso2carbon/wso2-config-volume/repository/conf/deployment.toml": []byte(toml),
		path.Join(ISHome, "repository/components/dropins", Jar):               Archive(t, JarClass),
	}
	for name, data := range stores.IS {
		files[path.Join(ISHome, "repository/resources/security", name)] = data
	}
	return files
}

// APIMFiles are an API Manager pod's: everything by the configuration volume, and the databases of its image.
func APIMFiles(stores Stores, toml string) map[string][]byte {
	files := map[string][]byte{
		"/home/wso2carbon/wso2-config-volume/repository/conf/deployment.toml": []byte(toml),
		APIMHome + "/repository/database/WSO2CARBON_DB.mv.db":                 []byte("H2"),
		APIMHome + "/bin/api-manager.sh":                                      nil,
		"/home/wso2carbon/solr/database/.keep":                                nil,
	}
	for name, data := range stores.APIM {
		files[path.Join("/home/wso2carbon/wso2-config-volume/repository/resources/security", name)] = data
	}
	return files
}

// Archive is a JAR with empty files.
func Archive(t testing.TB, names ...string) []byte {
	t.Helper()
	var data bytes.Buffer
	writer := zip.NewWriter(&data)
	for _, name := range names {
		if _, err := writer.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}
