package chartvalues_test

import (
	"errors"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
)

func TestNoSecretStandsInValues(t *testing.T) {
	const says = "holds a secret"
	configtest.Check(t, []configtest.Refusal{
		{Holds: "Identity Server's admin password", More: configtest.Values("deploymentToml: {superAdmin: {password: hush}}"), Path: is + "deploymentToml.superAdmin.password", Says: says},
		{Holds: "API Manager's admin password", More: configtest.Configurations("adminPassword: hush"), Path: apim + config.APIMConfigurations + "adminPassword", Says: "credentials.secret"},
		{Holds: "an encryption key", More: configtest.Configurations("encryption: {key: 00ff}"), Path: apim + config.APIMConfigurations + "encryption.key", Says: says},
		{Holds: "a keystore password", More: configtest.Configurations("security: {keystores: {tls: {keyPassword: hush}}}"), Path: apim + config.APIMConfigurations + "security.keystores.tls.keyPassword", Says: says},
		{Holds: "a database password names the chart's own way", More: configtest.Configurations("databases: {apim_db: {password: hush}}"), Path: apim + config.APIMConfigurations + "databases.apim_db.password", Says: "existingSecret.apimDBPasswordKey"},
		{Holds: "a password that is a number", More: configtest.Values("deploymentToml: {database: {user: {password: 1234}}}"), Path: is + "deploymentToml.database.user.password", Says: "$env{NAME}"},
		{Holds: "a password in a URL", More: configtest.Values("deploymentToml: {database: {user: {url: 'jdbc:mysql://h/d?user=a&password=hush'}}}"), Path: is + "deploymentToml.database.user.url", Says: says},
		{Holds: "one that a name beside it tells", More: configtest.Values("deployment: {extraEnv: [{name: X, value: y}, {name: DB_PASSWORD, value: hush}]}"), Path: is + "deployment.extraEnv[1].value", Says: "secretKeyRef"},
		{Holds: "a header in a list", More: configtest.Values("probe: {headers: [{name: Authorization, value: 'Basic hushhushhush'}]}"), Path: is + "probe.headers[0].value", Says: says},
		{Holds: "a header in a text", More: configtest.Values(`script: "curl x\ncurl -H 'Authorization: Bearer hushhush1' y\n"`), Path: is + "script", Says: says},
		{Holds: "the source of a database without a scheme", More: configtest.Values("dsn: 'am:hush@tcp(db:3306)/am'"), Path: is + "dsn", Says: says},
		{Holds: "another one", More: configtest.Values("dsn: 'am:hush@db.test:5432/am'"), Path: is + "dsn", Says: says},
		{Holds: "an address of Oracle", More: configtest.Values("url: 'jdbc:oracle:thin:am/hush@db:1521/x'"), Path: is + "url", Says: says},
		{Holds: "an address without a user", More: configtest.Values("cache: 'redis://:hush@cache:6379'"), Path: is + "cache", Says: says},
		{Holds: "a private key", More: configtest.Values(`pem: "-----BEGIN RSA PRIVATE KEY-----\nhush\n"`), Path: is + "pem", Says: says},
		{Holds: "the subscription's password", More: configtest.Values("wso2: {subscription: {password: hush}}"), Path: is + "wso2.subscription.password", Says: "image.pullSecret"},
		{Holds: "a password in the environment of the pod", More: configtest.APIMValues("wso2: {deployment: {envs: {DB_PASSWORD: hush}}}"), Path: apim + "wso2.deployment.envs.DB_PASSWORD", Says: says},
		{Holds: "a password inside TOML", More: "identityServer:\n  values:\n    deploymentToml:\n      extraConfigs: |\n        [my.store]\n        password = \"hush\"\n",
			Path: is + config.ISExtraConfigs + ": my.store.password", Says: says},
	})
	for _, r := range []string{configtest.Values("deploymentToml: {superAdmin: {password: hush}}"), configtest.Configurations("databases: {apim_db: {url: 'jdbc:mysql://me:hush@h/d'}}")} {
		if _, err := environments.Parse([]byte(configtest.Minimal+r), nil); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("the secret is repeated, or taken: %v", err)
		}
	}
}

func TestPlaceholdersAndReferencesAreNoSecrets(t *testing.T) {
	for _, text := range []string{
		configtest.Values("deploymentToml: {database: {user: {password: '$env{IS_DB}'}}}") + "credentials: {secret: mine}\n",
		configtest.Values("deploymentToml: {outputAdapter: {email: {password: ''}}}"),
		configtest.Configurations("notification: {password: '$ref{super_admin.password}'}"),
		configtest.Configurations("existingSecret: {apimDBPasswordKey: apimDB}") + "credentials: {secret: mine}\n",
		configtest.Values("deployment: {extraEnv: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}, {name: DB_PASSWORD, value: ''}]}"),
		configtest.Values("deployment: {extraEnv: [{name: DB_PASSWORD, value: '$env{DB_PASSWORD}'}]}") + "credentials: {secret: mine}\n",
		configtest.Values("image: 'wso2is:7.2.0@sha256:0123', url: 'https://user@host.test/x', text: 'basic authentication'"),
		configtest.APIMValues("aws: {secretsManager: {secretIdentifiers: {secretEncryptionKey: {secretKey: name}}}}"),
		configtest.Values("deploymentToml: {oauth: {tokenCleanup: true}}"),
	} {
		configtest.Parse(t, configtest.Minimal+text)
	}
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a placeholder needs a Secret of the user's", More: configtest.Values("deploymentToml: {database: {user: {password: '$env{IS_DB}'}}}"), Path: "credentials.secret", Says: "$env{IS_DB}"},
		{Holds: "so does the name of a key", More: configtest.Configurations("existingSecret: {sharedDBPasswordKey: db}"), Path: "credentials.secret", Says: "its key db"},
		{Holds: "a placeholder names a variable", More: configtest.Values("deploymentToml: {database: {user: {password: '$env{is-db}'}}}"), Path: "identityServer.values", Value: "$env{is-db}", Says: "is not the name of an environment variable"},
	})
}

func TestBothProductsHaveOneAdmin(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "Identity Server's own is refused", More: configtest.Values("deploymentToml: {superAdmin: {username: isadmin}}"), Path: is + "deploymentToml.superAdmin.username", Value: "isadmin", Says: "both products need the same admin"},
		{Holds: "API Manager's own too", More: configtest.Configurations("adminUsername: amadmin"), Path: apim + config.APIMConfigurations + "adminUsername", Value: "amadmin", Says: "set credentials.adminUsername"},
		{Holds: "a tenant's user is no super admin", More: "credentials: {adminUsername: admin@wso2.com}\n", Path: "credentials.adminUsername", Value: "admin@wso2.com", Says: "name a tenant"},
	})
	configtest.Parse(t, configtest.Minimal+"credentials: {adminUsername: boss}\n"+configtest.Configurations("adminUsername: boss"))
}

func TestStoresHaveTheNamesOfTheirSecret(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "Identity Server's three default names collide", More: configtest.Values("deploymentToml: {keystore: {tls: {fileName: wso2carbon.p12}, primary: {fileName: wso2carbon.p12}}}"),
			Path: is + "deploymentToml.keystore.tls.fileName", Value: "wso2carbon.p12", Says: "tls and primary: both would have the same path in the pod"},
		{Holds: "API Manager's collide too", More: configtest.Configurations("security: {keystores: {internal: {name: wso2carbon.jks}, primary: {name: wso2carbon.jks}}}"),
			Path: apim + config.APIMConfigurations + "security.keystores.internal.name", Value: "wso2carbon.jks", Says: "mountPath must be unique"},
		{Holds: "one default name beside Lockstep's collides with another", More: configtest.Values("deploymentToml: {keystore: {tls: {fileName: primary.p12}}}"),
			Path: is + "deploymentToml.keystore.tls.fileName", Value: "primary.p12", Says: "tls and primary"},
		{Holds: "a name of one's own is not in the Secret", More: configtest.Values("deploymentToml: {keystore: {tls: {fileName: mine.p12}}}"),
			Path: is + "deploymentToml.keystore.tls.fileName", Value: "mine.p12", Says: "Lockstep names it tls.p12"},
	})
}

func TestWhatLockstepSetsIsSetInOnePlace(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "Identity Server's hostname", More: configtest.Values("deployment: {ingress: {hostName: wso2is.com}}"), Path: is + "deployment.ingress.hostName", Value: "wso2is.com", Says: "set hostnames.keyManager"},
		{Holds: "Identity Server's image", More: configtest.Values("deployment: {image: {tag: 7.2.0}}"), Path: is + "deployment.image.tag", Value: "7.2.0", Says: "set image.target"},
		{Holds: "Identity Server's replicas", More: configtest.Values("deployment: {replicas: 3}"), Path: is + "deployment.replicas", Value: "3", Says: "set identityServer.replicas"},
		{Holds: "the home in the image", More: configtest.Values("deployment: {buildVersion: 7.1.0}"), Path: is + "deployment.buildVersion", Value: "7.1.0", Says: "wso2is-7.1.0, where the server does not look"},
		{Holds: "the port in the issuer", More: configtest.Values("deploymentToml: {transport: {https: {properties: {proxyPort: 9443}}}}"), Path: is + "deploymentToml.transport.https.properties.proxyPort", Value: "9443", Says: "part of the issuer"},
		{Holds: "API Manager's hostname", More: configtest.APIMValues("kubernetes: {gatewayAPI: {management: {hostname: am.wso2.com}}}"), Path: apim + "kubernetes.gatewayAPI.management.hostname", Value: "am.wso2.com", Says: "set hostnames.management"},
		{Holds: "the CA ConfigMap", More: configtest.APIMValues("kubernetes: {gatewayAPI: {defaultConfigMapCreation: true}}"), Path: apim + "kubernetes.gatewayAPI.defaultConfigMapCreation", Value: "true", Says: "wso2-ca-cert"},
		{Holds: "API Manager's image digest", More: configtest.APIMValues("wso2: {deployment: {image: {digest: 'sha256:e2'}}}"), Path: apim + "wso2.deployment.image.digest", Value: "sha256:e2", Says: "set apiManager.image"},
		{Holds: "high availability", More: configtest.APIMValues("wso2: {deployment: {highAvailability: true}}"), Path: apim + "wso2.deployment.highAvailability", Value: "true", Says: "apiManager.replicas: 2"},
		{Holds: "the resident key manager", More: configtest.Configurations("iskm: {enabled: true}"), Path: apim + config.APIMConfigurations + "iskm.enabled", Value: "true", Says: "cannot be the resident key manager"},
		{Holds: "the gateway that developers see", More: configtest.Configurations("gateway: {environments: [{name: Default, httpHostname: gw.wso2.com}]}"),
			Path: apim + config.APIMConfigurations + "gateway.environments[0].httpHostname", Value: "gw.wso2.com", Says: "write gw.example.com"},
	})
	configtest.Parse(t, configtest.Minimal+configtest.Values("deployment: {ingress: {hostName: km.example.com}, buildVersion: 7.2.0, replicas: 1}"))
}

func TestWhatLockstepSetsIsNotTakenAwayByNothing(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "an emptied name of a Secret", More: configtest.Configurations("security: {jksSecretName: ''}"), Path: apim + config.APIMConfigurations + "security.jksSecretName", Says: "is empty"},
		{Holds: "an emptied hostname", More: configtest.Values("deployment: {ingress: {hostName: ''}}"), Path: is + "deployment.ingress.hostName", Says: "km.example.com"},
		{Holds: "a null", More: configtest.Values("deployment: {image: {repository: null}}"), Path: is + "deployment.image.repository", Says: "set image.target"},
		{Holds: "an emptied password, which is no secret", More: configtest.Values("deploymentToml: {superAdmin: {password: ''}}"), Path: is + "deploymentToml.superAdmin.password", Says: "Lockstep generates it"},
		{Holds: "an emptied version", More: configtest.Values("deployment: {buildVersion: ''}"), Path: is + "deployment.buildVersion", Says: "reads it from the image"},
		{Holds: "an emptied file name", More: configtest.Values("deploymentToml: {keystore: {tls: {fileName: ''}}}"), Path: is + "deploymentToml.keystore.tls.fileName", Says: "no file"},
		{Holds: "a null parent", More: configtest.Values("deployment: {externalJKS: null}"), Path: is + "deployment.externalJKS", Says: "as deployment.externalJKS.enabled"},
		{Holds: "a scalar parent", More: configtest.Configurations("security: {keystores: none}"), Path: apim + config.APIMConfigurations + "security.keystores", Says: "write a map"},
		{Holds: "the key of a store's password", More: configtest.Configurations("security: {jksExistingSecret: {tlsKeystorePasswordKey: ''}}"), Path: apim + config.APIMConfigurations + "security.jksExistingSecret.tlsKeystorePasswordKey", Says: "keystorePassword"},
	})
	configtest.Parse(t, configtest.Minimal+configtest.Values("fullnameOverride: '', deployment: {externalJKS: {}}"))
	configtest.Parse(t, configtest.Minimal+configtest.Configurations("security: {truststore: {password: ''}}"))
	var found config.Problems
	if _, err := environments.Parse([]byte(configtest.Minimal+configtest.Values("deploymentToml: null")), nil); !errors.As(err, &found) || len(found) != 1 {
		t.Errorf("one null is reported as %v", err)
	}
}

func TestKeysThatChartsIgnoreAreNamed(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "an image where API Manager's chart has it", More: configtest.Values("wso2: {deployment: {image: {registry: a.io}}}"), Path: is + "wso2.deployment", Says: "set image.target"},
		{Holds: "the pull secret that breaks the chart", More: configtest.Values("deployment: {image: {imagePullSecret: mine}}"), Path: is + "deployment.image.imagePullSecret", Says: "nil pointer"},
		{Holds: "the guide's control plane", More: configtest.APIMValues("kubernetes: {ingress: {controlPlane: {hostname: a}}}"), Path: apim + "kubernetes.ingress.controlPlane", Says: "kubernetes.ingress.management"},
		{Holds: "the guide's Identity Server route", More: configtest.APIMValues("kubernetes: {gatewayAPI: {is: {hostname: a}}}"), Path: apim + "kubernetes.gatewayAPI.is", Says: "set hostnames.keyManager"},
		{Holds: "the guide's top-level ingress", More: configtest.APIMValues("ingress: {tlsSecret: a}"), Path: apim + "ingress", Says: "kubernetes.ingress"},
		{Holds: "values of the other product", More: configtest.APIMValues("deploymentToml: {server: {offset: 1}}"), Path: apim + "deploymentToml", Says: "move it to identityServer.values"},
	})
}

func TestEveryDatabaseTypeOfTheProductsIsTaken(t *testing.T) {
	for _, kind := range []string{"postgre", "mysql", "mariadb", "mssql", "oracle", "db2"} {
		configtest.Parse(t, configtest.Minimal+configtest.Values("deploymentToml: {database: {user: {type: "+kind+", driver: d, url: 'jdbc:x:y'}}}"))
	}
}

func TestMoreThanOneReplicaNeedsADatabaseOfItsOwn(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "Identity Server on H2", More: "identityServer: {replicas: 2}\n", Path: "identityServer.replicas", Says: "each pod would have a database of its own"},
		{Holds: "Identity Server scaled by load", More: configtest.Values("deployment: {hpa: {enabled: true}}"), Path: "identityServer.replicas", Says: "deploymentToml.database.identity.url"},
		{Holds: "API Manager on H2", More: "apiManager: {replicas: 2}\n", Path: "apiManager.replicas", Says: config.APIMConfigurations + "databases.shared_db.url"},
		{Holds: "API Manager knows a pair only", More: "apiManager: {replicas: 3}\n", Path: "apiManager.replicas", Value: "3", Says: "write 1 or 2"},
		{Holds: "Identity Server is at least one", More: "identityServer: {replicas: -1}\n", Path: "identityServer.replicas", Value: "-1", Says: "write 1 to 20"},
		{Holds: "a URL without type is H2's type", More: configtest.Configurations("databases: {apim_db: {url: 'jdbc:postgresql://h/d'}}"), Path: apim + config.APIMConfigurations + "databases.type", Says: "postgre"},
		{Holds: "a URL without driver is H2's driver", More: configtest.Configurations("databases: {type: postgre, apim_db: {url: 'jdbc:postgresql://h/d'}}"), Path: apim + config.APIMConfigurations + "databases.jdbc.driver", Says: "its jar must be in the image"},
		{Holds: "postgres is called postgre", More: configtest.Values("deploymentToml: {database: {user: {type: postgresql, driver: d, url: 'jdbc:postgresql://h/d'}}}"), Path: is + "deploymentToml.database.user.type", Value: "postgresql", Says: "write postgre"},
		{Holds: "so it is for API Manager", More: configtest.Configurations("databases: {type: postgres, jdbc: {driver: d}, apim_db: {url: 'jdbc:postgresql://h/d'}}"), Path: apim + config.APIMConfigurations + "databases.type", Value: "postgres", Says: "write postgre"},
		{Holds: "SQL Server is called mssql", More: configtest.Values("deploymentToml: {database: {user: {type: sqlserver, driver: d, url: 'jdbc:sqlserver://h'}}}"), Path: is + "deploymentToml.database.user.type", Value: "sqlserver", Says: "write mssql"},
		{Holds: "a slip is named", More: configtest.Values("deploymentToml: {database: {user: {type: MySQL, driver: d, url: 'jdbc:mysql://h/d'}}}"), Path: is + "deploymentToml.database.user.type", Value: "MySQL", Says: "write mysql"},
		{Holds: "what no product knows is refused", More: configtest.Values("deploymentToml: {database: {user: {type: sqlite, driver: d, url: 'jdbc:sqlite:f'}}}"), Path: is + "deploymentToml.database.user.type", Value: "sqlite", Says: "write one of postgre, mysql, mariadb"},
	})
}

func TestAPlaceholderThatNobodyFillsIsRefused(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{{Holds: "whatever it begins with", More: configtest.Values("deploymentToml: {database: {user: {password: '$env{WSO2_DB_PASSWORD}'}}}"),
		Path: "credentials.secret", Says: "$env{WSO2_DB_PASSWORD}"}})
}
