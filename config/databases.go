package config

import "strings"

// SeveralIdentityServers says whether there may be more than one pod of Identity Server at a time.
func (e Environment) SeveralIdentityServers() bool {
	return e.IdentityServer.Replicas > 1 || e.IdentityServer.Values.IsTrue("deployment.hpa.enabled")
}

// KeepsState says whether API Manager's registrations outlive its pods: they do in an external database. The chart's
// default, H2 in the container's file system, loses them with the pod.
func (e Environment) KeepsState() bool {
	return !e.APIManager.Values.IsH2(APIMConfigurations + "databases.apim_db")
}

// IdentityServerDatabases are the paths of the databases in the values of its chart; agentIdentity came with 7.2.
func (e Environment) IdentityServerDatabases() []string {
	databases := []string{"deploymentToml.database.identity", "deploymentToml.database.shared",
		"deploymentToml.database.user", "deploymentToml.database.consent"}
	if made := MinorVersion(e.IdentityServer.Chart.Version); made == "7.0" || made == "7.1" {
		return databases
	}
	return append(databases, "deploymentToml.database.agentIdentity")
}

// APIManagerDatabases are likewise those of API Manager.
func APIManagerDatabases() []string {
	return []string{APIMConfigurations + "databases.apim_db", APIMConfigurations + "databases.shared_db"}
}

// IsH2 says whether the database at a path is the chart's default, an H2 file inside each pod.
func (v Values) IsH2(database string) bool {
	url := v.Text(database + ".url")
	return url == "" || strings.HasPrefix(url, "jdbc:h2:")
}
