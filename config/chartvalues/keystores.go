package chartvalues

import (
	"strings"

	"lockstep/config"
)

// checkKeystoreNames looks at the file names of stores in values. Each becomes a mountPath of the pod, so two alike make
// a Deployment that the API server refuses, with the release left half installed; and each is a key of the Secret that
// Lockstep fills.
func checkKeystoreNames(e config.Environment) (found problems) {
	found.stores("identityServer", e.IdentityServer.Values, "deploymentToml.keystore.", ".fileName", ".p12")
	found.stores("apiManager", e.APIManager.Values, config.APIMConfigurations+"security.keystores.", ".name", ".jks")
	return found
}

func (p *problems) stores(part string, values config.Values, prefix, suffix, extension string) {
	used := map[string][]string{}
	for _, store := range config.StoreNames() {
		name := values.Text(prefix + store + suffix)
		if name == "" {
			name = store + extension
		}
		used[name] = append(used[name], store)
	}
	for _, store := range config.StoreNames() {
		path := part + ".values." + prefix + store + suffix
		_, set := values.Lookup(prefix + store + suffix)
		given := values.Text(prefix + store + suffix)
		next := "remove it: Lockstep names it " + store + extension
		switch {
		case set && given == "":
			p.Add(path, "", "is empty: the key store would have no file", next)
		case !set || given == store+extension:
		case len(used[given]) > 1:
			p.Add(path, given, "is the file name of "+strings.Join(used[given], " and ")+": both would have the same path in the pod (mountPath must be unique)", next)
		default:
			p.Add(path, given, "is not a file of the Secret that Lockstep makes", next)
		}
	}
}
