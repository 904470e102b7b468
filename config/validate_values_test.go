package config

import (
	"errors"
	"strings"
	"testing"
)

const (
	isAt   = "identityServer.values."
	apimAt = "apiManager.values."
)

func isValues(flow string) string   { return "identityServer: {values: {" + flow + "}}\n" }
func apimValues(flow string) string { return "apiManager: {values: {" + flow + "}}\n" }
func configurations(flow string) string {
	return apimValues("wso2: {apim: {configurations: {" + flow + "}}}")
}

func TestNoSecretStandsInValues(t *testing.T) {
	const says = "holds a secret"
	check(t, []refusal{
		{holds: "Identity Server's admin password", more: isValues("deploymentToml: {superAdmin: {password: hush}}"), path: isAt + "deploymentToml.superAdmin.password", says: says},
		{holds: "API Manager's admin password", more: configurations("adminPassword: hush"), path: apimAt + apimPrefix + "adminPassword", says: "credentials.secret"},
		{holds: "an encryption key", more: configurations("encryption: {key: 00ff}"), path: apimAt + apimPrefix + "encryption.key", says: says},
		{holds: "a keystore password", more: configurations("security: {keystores: {tls: {keyPassword: hush}}}"), path: apimAt + apimPrefix + "security.keystores.tls.keyPassword", says: says},
		{holds: "a database password names the chart's own way", more: configurations("databases: {apim_db: {password: hush}}"), path: apimAt + apimPrefix + "databases.apim_db.password", says: "existingSecret.apimDBPasswordKey"},
		{holds: "a password that is a number", more: isValues("deploymentToml: {database: {user: {password: 1234}}}"), path: isAt + "deploymentToml.database.user.password", says: "$env{NAME}"},
		{holds: "a password in a URL", more: isValues("deploymentToml: {database: {user: {url: 'jdbc:mysql://h/d?user=a&password=hush'}}}"), path: isAt + "deploymentToml.database.user.url", says: says},
		{holds: "the subscription's password", more: isValues("wso2: {subscription: {password: hush}}"), path: isAt + "wso2.subscription.password", says: "image.pullSecret"},
		{holds: "a password in the environment of the pod", more: apimValues("wso2: {deployment: {envs: {DB_PASSWORD: hush}}}"), path: apimAt + "wso2.deployment.envs.DB_PASSWORD", says: says},
		{holds: "a password inside TOML", more: "identityServer:\n  values:\n    deploymentToml:\n      extraConfigs: |\n        [my.store]\n        password = \"hush\"\n",
			path: isAt + isExtraConfigs + ": my.store.password", says: says},
	})
	for _, r := range []string{isValues("deploymentToml: {superAdmin: {password: hush}}"), configurations("databases: {apim_db: {url: 'jdbc:mysql://me:hush@h/d'}}")} {
		if _, err := Parse([]byte(minimal+r), nil); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("the secret is repeated, or taken: %v", err)
		}
	}
}

func TestPlaceholdersAndReferencesAreNoSecrets(t *testing.T) {
	for _, text := range []string{
		isValues("deploymentToml: {database: {user: {password: '$env{IS_DB}'}}}") + "credentials: {secret: mine}\n",
		isValues("deploymentToml: {outputAdapter: {email: {password: ''}}}"),
		configurations("notification: {password: '$ref{super_admin.password}'}"),
		configurations("existingSecret: {apimDBPasswordKey: apimDB}") + "credentials: {secret: mine}\n",
		apimValues("aws: {secretsManager: {secretIdentifiers: {secretEncryptionKey: {secretKey: name}}}}"),
		isValues("deploymentToml: {oauth: {tokenCleanup: true}}"),
	} {
		parse(t, minimal+text)
	}
	check(t, []refusal{
		{holds: "a placeholder needs a Secret of the user's", more: isValues("deploymentToml: {database: {user: {password: '$env{IS_DB}'}}}"), path: "credentials.secret", says: "$env{IS_DB}"},
		{holds: "so does the name of a key", more: configurations("existingSecret: {sharedDBPasswordKey: db}"), path: "credentials.secret", says: "its key db"},
		{holds: "a placeholder names a variable", more: isValues("deploymentToml: {database: {user: {password: '$env{is-db}'}}}"), path: "identityServer.values", value: "$env{is-db}", says: "no name of an environment variable"},
	})
}

func TestBothProductsHaveOneAdmin(t *testing.T) {
	check(t, []refusal{
		{holds: "Identity Server's own is refused", more: isValues("deploymentToml: {superAdmin: {username: isadmin}}"), path: isAt + "deploymentToml.superAdmin.username", value: "isadmin", says: "both products need the same admin"},
		{holds: "API Manager's own too", more: configurations("adminUsername: amadmin"), path: apimAt + apimPrefix + "adminUsername", value: "amadmin", says: "set credentials.adminUsername"},
		{holds: "a tenant's user is no super admin", more: "credentials: {adminUsername: admin@wso2.com}\n", path: "credentials.adminUsername", value: "admin@wso2.com", says: "name a tenant"},
	})
	parse(t, minimal+"credentials: {adminUsername: boss}\n"+configurations("adminUsername: boss"))
}

func TestStoresHaveTheNamesOfTheirSecret(t *testing.T) {
	check(t, []refusal{
		{holds: "Identity Server's three default names collide", more: isValues("deploymentToml: {keystore: {tls: {fileName: wso2carbon.p12}, primary: {fileName: wso2carbon.p12}}}"),
			path: isAt + "deploymentToml.keystore.tls.fileName", value: "wso2carbon.p12", says: "tls and primary: both would be mounted at one path"},
		{holds: "API Manager's collide too", more: configurations("security: {keystores: {internal: {name: wso2carbon.jks}, primary: {name: wso2carbon.jks}}}"),
			path: apimAt + apimPrefix + "security.keystores.internal.name", value: "wso2carbon.jks", says: "mountPath must be unique"},
		{holds: "one default name beside Lockstep's collides with another", more: isValues("deploymentToml: {keystore: {tls: {fileName: primary.p12}}}"),
			path: isAt + "deploymentToml.keystore.tls.fileName", value: "primary.p12", says: "tls and primary"},
		{holds: "a name of one's own is not in the Secret", more: isValues("deploymentToml: {keystore: {tls: {fileName: mine.p12}}}"),
			path: isAt + "deploymentToml.keystore.tls.fileName", value: "mine.p12", says: "Lockstep names it tls.p12"},
	})
}

func TestWhatLockstepSetsIsSetInOnePlace(t *testing.T) {
	check(t, []refusal{
		{holds: "Identity Server's hostname", more: isValues("deployment: {ingress: {hostName: wso2is.com}}"), path: isAt + "deployment.ingress.hostName", value: "wso2is.com", says: "set hostnames.keyManager"},
		{holds: "Identity Server's image", more: isValues("deployment: {image: {tag: 7.2.0}}"), path: isAt + "deployment.image.tag", value: "7.2.0", says: "set image.target"},
		{holds: "Identity Server's replicas", more: isValues("deployment: {replicas: 3}"), path: isAt + "deployment.replicas", value: "3", says: "set identityServer.replicas"},
		{holds: "the home in the image", more: isValues("deployment: {buildVersion: 7.1.0}"), path: isAt + "deployment.buildVersion", value: "7.1.0", says: "wso2is-7.1.0, where the server does not look"},
		{holds: "the port in the issuer", more: isValues("deploymentToml: {transport: {https: {properties: {proxyPort: 9443}}}}"), path: isAt + "deploymentToml.transport.https.properties.proxyPort", value: "9443", says: "part of the issuer"},
		{holds: "API Manager's hostname", more: apimValues("kubernetes: {gatewayAPI: {management: {hostname: am.wso2.com}}}"), path: apimAt + "kubernetes.gatewayAPI.management.hostname", value: "am.wso2.com", says: "set hostnames.management"},
		{holds: "the CA ConfigMap", more: apimValues("kubernetes: {gatewayAPI: {defaultConfigMapCreation: true}}"), path: apimAt + "kubernetes.gatewayAPI.defaultConfigMapCreation", value: "true", says: "wso2-ca-cert"},
		{holds: "API Manager's image digest", more: apimValues("wso2: {deployment: {image: {digest: 'sha256:e2'}}}"), path: apimAt + "wso2.deployment.image.digest", value: "sha256:e2", says: "set apiManager.image"},
		{holds: "high availability", more: apimValues("wso2: {deployment: {highAvailability: true}}"), path: apimAt + "wso2.deployment.highAvailability", value: "true", says: "apiManager.replicas: 2"},
		{holds: "the resident key manager", more: configurations("iskm: {enabled: true}"), path: apimAt + apimPrefix + "iskm.enabled", value: "true", says: "cannot be the resident key manager"},
		{holds: "the gateway's controller", more: "routing: {values: {config: {envoyGateway: {gateway: {controllerName: other/name}}}}}\n", path: "routing.values.config.envoyGateway.gateway.controllerName", value: "other/name", says: "set routing.controllerName"},
		{holds: "the gateway that developers see", more: configurations("gateway: {environments: [{name: Default, httpHostname: gw.wso2.com}]}"),
			path: apimAt + apimPrefix + "gateway.environments[0].httpHostname", value: "gw.wso2.com", says: "write gw.example.com"},
	})
	parse(t, minimal+isValues("deployment: {ingress: {hostName: km.example.com}, buildVersion: 7.2.0, replicas: 1}"))
}

func TestWhatLockstepSetsIsNotTakenAwayByNothing(t *testing.T) {
	check(t, []refusal{
		{holds: "an emptied name of a Secret", more: configurations("security: {jksSecretName: ''}"), path: apimAt + apimPrefix + "security.jksSecretName", says: "given as nothing"},
		{holds: "an emptied hostname", more: isValues("deployment: {ingress: {hostName: ''}}"), path: isAt + "deployment.ingress.hostName", says: "km.example.com"},
		{holds: "a null", more: isValues("deployment: {image: {repository: null}}"), path: isAt + "deployment.image.repository", says: "set image.target"},
		{holds: "an emptied password, which is no secret", more: isValues("deploymentToml: {superAdmin: {password: ''}}"), path: isAt + "deploymentToml.superAdmin.password", says: "Lockstep generates it"},
		{holds: "an emptied version", more: isValues("deployment: {buildVersion: ''}"), path: isAt + "deployment.buildVersion", says: "reads it from the image"},
		{holds: "an emptied file name", more: isValues("deploymentToml: {keystore: {tls: {fileName: ''}}}"), path: isAt + "deploymentToml.keystore.tls.fileName", says: "no file"},
		{holds: "a null parent", more: isValues("deployment: {externalJKS: null}"), path: isAt + "deployment.externalJKS", says: "as deployment.externalJKS.enabled"},
		{holds: "a scalar parent", more: configurations("security: {keystores: none}"), path: apimAt + apimPrefix + "security.keystores", says: "write a map"},
		{holds: "the key of a store's password", more: configurations("security: {jksExistingSecret: {tlsKeystorePasswordKey: ''}}"), path: apimAt + apimPrefix + "security.jksExistingSecret.tlsKeystorePasswordKey", says: "keystorePassword"},
	})
	parse(t, minimal+isValues("fullnameOverride: '', deployment: {externalJKS: {}}"))
	parse(t, minimal+configurations("security: {truststore: {password: ''}}"))
	var found Problems
	if _, err := Parse([]byte(minimal+isValues("deploymentToml: null")), nil); !errors.As(err, &found) || len(found) != 1 {
		t.Errorf("one null is reported as %v", err)
	}
}

func TestKeysThatChartsIgnoreAreNamed(t *testing.T) {
	check(t, []refusal{
		{holds: "the guide's experimental features", more: "routing: {values: {envoyGateway: {gateway: {experimentalFeatures: {enabled: true}}}}}\n", path: "routing.values.envoyGateway", says: "config.envoyGateway.extensionApis.enableBackend"},
		{holds: "an image where API Manager's chart has it", more: isValues("wso2: {deployment: {image: {registry: a.io}}}"), path: isAt + "wso2.deployment", says: "set image.target"},
		{holds: "the pull secret that breaks the chart", more: isValues("deployment: {image: {imagePullSecret: mine}}"), path: isAt + "deployment.image.imagePullSecret", says: "nil pointer"},
		{holds: "the guide's control plane", more: apimValues("kubernetes: {ingress: {controlPlane: {hostname: a}}}"), path: apimAt + "kubernetes.ingress.controlPlane", says: "kubernetes.ingress.management"},
		{holds: "the guide's Identity Server route", more: apimValues("kubernetes: {gatewayAPI: {is: {hostname: a}}}"), path: apimAt + "kubernetes.gatewayAPI.is", says: "set hostnames.keyManager"},
		{holds: "the guide's top-level ingress", more: apimValues("ingress: {tlsSecret: a}"), path: apimAt + "ingress", says: "kubernetes.ingress"},
		{holds: "values of the other product", more: apimValues("deploymentToml: {server: {offset: 1}}"), path: apimAt + "deploymentToml", says: "move it to identityServer.values"},
	})
}

func TestEveryDatabaseTypeOfTheProductsIsTaken(t *testing.T) {
	for _, kind := range databaseTypes() {
		parse(t, minimal+isValues("deploymentToml: {database: {user: {type: "+kind+", driver: d, url: 'jdbc:x:y'}}}"))
	}
}

func TestMoreThanOneReplicaNeedsADatabaseOfItsOwn(t *testing.T) {
	check(t, []refusal{
		{holds: "Identity Server on H2", more: "identityServer: {replicas: 2}\n", path: "identityServer.replicas", says: "each pod would have a database of its own"},
		{holds: "Identity Server scaled by load", more: isValues("deployment: {hpa: {enabled: true}}"), path: "identityServer.replicas", says: "deploymentToml.database.identity.url"},
		{holds: "API Manager on H2", more: "apiManager: {replicas: 2}\n", path: "apiManager.replicas", says: apimPrefix + "databases.shared_db.url"},
		{holds: "API Manager knows a pair only", more: "apiManager: {replicas: 3}\n", path: "apiManager.replicas", value: "3", says: "write 1 or 2"},
		{holds: "Identity Server is at least one", more: "identityServer: {replicas: -1}\n", path: "identityServer.replicas", value: "-1", says: "write 1 to 20"},
		{holds: "a URL without type is H2's type", more: configurations("databases: {apim_db: {url: 'jdbc:postgresql://h/d'}}"), path: apimAt + apimPrefix + "databases.type", says: "postgre"},
		{holds: "a URL without driver is H2's driver", more: configurations("databases: {type: postgre, apim_db: {url: 'jdbc:postgresql://h/d'}}"), path: apimAt + apimPrefix + "databases.jdbc.driver", says: "its jar must be in the image"},
		{holds: "postgres is called postgre", more: isValues("deploymentToml: {database: {user: {type: postgresql, driver: d, url: 'jdbc:postgresql://h/d'}}}"), path: isAt + "deploymentToml.database.user.type", value: "postgresql", says: "write postgre"},
		{holds: "so it is for API Manager", more: configurations("databases: {type: postgres, jdbc: {driver: d}, apim_db: {url: 'jdbc:postgresql://h/d'}}"), path: apimAt + apimPrefix + "databases.type", value: "postgres", says: "write postgre"},
		{holds: "SQL Server is called mssql", more: isValues("deploymentToml: {database: {user: {type: sqlserver, driver: d, url: 'jdbc:sqlserver://h'}}}"), path: isAt + "deploymentToml.database.user.type", value: "sqlserver", says: "write mssql"},
		{holds: "a slip is named", more: isValues("deploymentToml: {database: {user: {type: MySQL, driver: d, url: 'jdbc:mysql://h/d'}}}"), path: isAt + "deploymentToml.database.user.type", value: "MySQL", says: "write mysql"},
		{holds: "what no product knows is refused", more: isValues("deploymentToml: {database: {user: {type: sqlite, driver: d, url: 'jdbc:sqlite:f'}}}"), path: isAt + "deploymentToml.database.user.type", value: "sqlite", says: "write one of postgre, mysql, mariadb"},
	})
}
