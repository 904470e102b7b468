package chartvalues

import (
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/spelling"
)

// checkReplicas wants databases that several pods can share.
func checkReplicas(e config.Environment) (found problems) {
	if e.SeveralIdentityServers() {
		found.ownDatabases("identityServer", e.IdentityServer.Values, e.IdentityServerDatabases())
	}
	if e.APIManager.Replicas > 1 {
		found.ownDatabases("apiManager", e.APIManager.Values, config.APIManagerDatabases())
	}
	return found
}

// ownDatabases notes databases that are still the H2 files inside each pod.
func (p *problems) ownDatabases(part string, values config.Values, databases []string) {
	var embedded []string
	for _, database := range databases {
		if values.IsH2(database) {
			embedded = append(embedded, database+".url")
		}
	}
	if len(embedded) > 0 {
		p.Add(part+".replicas", "", "is more than 1, but "+strings.Join(embedded, ", ")+" is H2, a file inside the pod: each pod would have a database of its own",
			"set external JDBC URLs there in "+part+".values, or write replicas: 1")
	}
}

// checkDatabases wants a type and a driver with an external URL: the charts' defaults for both are H2's.
func checkDatabases(e config.Environment) (found problems) {
	for _, database := range e.IdentityServerDatabases() {
		found.driver("identityServer", e.IdentityServer.Values, database, database+".type", database+".driver")
	}
	for _, database := range config.APIManagerDatabases() {
		found.driver("apiManager", e.APIManager.Values, database, config.APIMConfigurations+"databases.type", config.APIMConfigurations+"databases.jdbc.driver")
	}
	slices.SortStableFunc(found, func(a, b config.Problem) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(found)
}

func (p *problems) driver(part string, values config.Values, database, kind, driver string) {
	if values.IsH2(database) {
		return
	}
	p.databaseType(part+".values."+kind, values.Text(kind))
	if given := values.Text(driver); given == "" || given == "org.h2.Driver" {
		p.Add(part+".values."+driver, given, "is the driver of H2, but the JDBC URL is not for H2", "write the driver's class, for example org.postgresql.Driver; its jar must be in the image")
	}
}

// databaseTypes are those for which the products know a validation query (carbon-kernel infer.json); h2 beside.
func databaseTypes() []string {
	return []string{"postgre", "mysql", "mariadb", "mssql", "oracle", "db2"}
}

func (p *problems) databaseType(path, given string) {
	next := "write one of " + strings.Join(databaseTypes(), ", ")
	switch {
	case given == "" || given == "h2":
		p.Add(path, given, "is H2, but the JDBC URL is not for H2", next)
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
	p.Add(path, given, "is not a type that WSO2 products know", next)
}

// warnData says where data does not outlive a pod.
func warnData(e config.Environment) (found problems) {
	for _, product := range []struct {
		part      string
		title     string
		values    config.Values
		databases []string
	}{
		{"identityServer", "Identity Server", e.IdentityServer.Values, e.IdentityServerDatabases()},
		{"apiManager", "API Manager", e.APIManager.Values, config.APIManagerDatabases()},
	} {
		if slices.ContainsFunc(product.databases, product.values.IsH2) {
			found.Add(product.part+".values", "", product.title+" uses the built-in H2 database for "+product.databases[0]+": all its data is lost when the pod restarts",
				"for anything but a trial, configure external databases")
		}
	}
	return found
}
