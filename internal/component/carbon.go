package component

import "lockstep/internal/podlog"

// carbonSigns are what both products' kernel logs when a start has failed for good while the process lives on. All but the first were seen with kernel
// 4.10.32, the first with an Identity Server made of later parts; the spelling "intializing" is the kernel's.
func carbonSigns(stores string) []podlog.Sign {
	return []podlog.Sign{
		{Text: "WSO2 Carbon initialization Failed", Means: "the server has given up its start and opens no port",
			Next: "correct what the lines of its log say: most often a password, an alias or a file of a keystore, or a value of deployment.toml"},
		{Text: "Error in intializing system data sources", Means: "the server cannot use a data source and opens no port",
			Next: "correct the database's URL, user or password, or let the pod reach the database"},
		{Text: "Cannot start User Manager Core bundle", Means: "the server cannot use the database of its users and opens no port",
			Next: "correct the database's URL, user or password, create its tables, or correct the user store's settings"},
		{Text: `Failed to start component [Connector["https`, Means: "the server has no HTTPS",
			Next: "look at the stores in Secret " + stores + ", the passwords in the credentials' Secret, and the keystore tables of deployment.toml"},
	}
}
