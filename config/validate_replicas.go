package config

import (
	"fmt"
	"lockstep/config/spelling"
	"slices"
	"strings"
)

// apimPrefix is where the API Manager chart keeps what goes into deployment.toml.
const apimPrefix = "wso2.apim.configurations."

// maxReplicas is well over what anybody runs of Identity Server: a larger number is a slip.
const maxReplicas = 20

func checkReplicas(e Environment) (found Problems) {
	if n := e.IdentityServer.Replicas; n < 1 || n > maxReplicas {
		found.Add("identityServer.replicas", fmt.Sprint(n), "is out of range", fmt.Sprintf("write 1 to %d", maxReplicas))
	}
	if n := e.APIManager.Replicas; n < 1 || n > 2 {
		found.Add("apiManager.replicas", fmt.Sprint(n), "is out of range: the all-in-one chart knows a single node and a high-availability pair", "write 1 or 2")
	}
	if e.SeveralIdentityServers() {
		found.ownDatabases("identityServer", e.IdentityServer.Values, e.isDatabases())
	}
	if e.APIManager.Replicas > 1 {
		found.ownDatabases("apiManager", e.APIManager.Values, apimDatabases())
	}
	return found
}

// isDatabases are those of the Identity Server chart; agentIdentity came with 7.2.
func (e Environment) isDatabases() []string {
	databases := []string{"deploymentToml.database.identity", "deploymentToml.database.shared",
		"deploymentToml.database.user", "deploymentToml.database.consent"}
	if made := minor(e.IdentityServer.Chart.Version); made == "7.0" || made == "7.1" {
		return databases
	}
	return append(databases, "deploymentToml.database.agentIdentity")
}

func apimDatabases() []string {
	return []string{apimPrefix + "databases.apim_db", apimPrefix + "databases.shared_db"}
}

// ownDatabases notes databases that are still the H2 files inside each pod.
func (p *Problems) ownDatabases(part string, values Values, databases []string) {
	var embedded []string
	for _, database := range databases {
		if values.isH2(database) {
			embedded = append(embedded, database+".url")
		}
	}
	if len(embedded) > 0 {
		p.Add(part+".replicas", "", "is more than 1 while "+strings.Join(embedded, ", ")+" stays H2, a file inside the pod: each pod would have a database of its own",
			"give external JDBC URLs there in "+part+".values, or write replicas: 1")
	}
}

func (v Values) isH2(database string) bool {
	url := v.text(database + ".url")
	return url == "" || strings.HasPrefix(url, "jdbc:h2:")
}

// checkDatabases wants a type and a driver with an external URL: the charts' defaults for both are H2's.
func checkDatabases(e Environment) (found Problems) {
	for _, database := range e.isDatabases() {
		found.driver("identityServer", e.IdentityServer.Values, database, database+".type", database+".driver")
	}
	for _, database := range apimDatabases() {
		found.driver("apiManager", e.APIManager.Values, database, apimPrefix+"databases.type", apimPrefix+"databases.jdbc.driver")
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(found)
}

func (p *Problems) driver(part string, values Values, database, kind, driver string) {
	if values.isH2(database) {
		return
	}
	p.databaseType(part+".values."+kind, values.text(kind))
	if given := values.text(driver); given == "" || given == "org.h2.Driver" {
		p.Add(part+".values."+driver, given, "is H2's while a JDBC URL beside it is not", "write the driver's class, as org.postgresql.Driver; its jar must be in the image")
	}
}

// databaseTypes are those for which the products know a validation query (carbon-kernel infer.json); h2 beside.
func databaseTypes() []string {
	return []string{"postgre", "mysql", "mariadb", "mssql", "oracle", "db2"}
}

func (p *Problems) databaseType(path, given string) {
	next := "write one of " + strings.Join(databaseTypes(), ", ")
	switch {
	case given == "" || given == "h2":
		p.Add(path, given, "is H2 while a JDBC URL beside it is not", next)
		return
	case slices.Contains(databaseTypes(), given):
		return
	case strings.HasPrefix(strings.ToLower(given), "postgre"):
		next = "write postgre"
	case strings.HasPrefix(strings.ToLower(given), "sqlserver"):
		next = "write mssql"
	case spelling.Closest(given, databaseTypes()) != "":
		next = "write " + spelling.Closest(given, databaseTypes())
	}
	p.Add(path, given, "is no type that WSO2 products know", next)
}

// warnData says where data does not outlive a pod.
func warnData(e Environment) (found Problems) {
	for _, product := range []struct {
		part      string
		values    Values
		databases []string
	}{
		{"identityServer", e.IdentityServer.Values, e.isDatabases()},
		{"apiManager", e.APIManager.Values, apimDatabases()},
	} {
		if slices.ContainsFunc(product.databases, product.values.isH2) {
			found.Add(product.part+".values", "", "leave "+product.databases[0]+" on H2, inside the container: a restart of the pod loses everything in it",
				"fine for a trial; otherwise give external databases")
		}
	}
	return found
}
