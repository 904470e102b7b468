package workflows

import (
	"testing"

	"lockstep/config"
	"lockstep/internal/cluster"
)

func TestOnlyAnotherPasswordOrAuthorityMakesAnAPIManagerAStranger(t *testing.T) {
	env := config.Environment{}
	env.Default()
	for missing, want := range map[string]bool{
		"":                        false,
		env.CredentialsSecret():   true,
		env.CASecret():            true,
		env.Listeners()[0].Secret: false, // the same authority signs another
		"is-keystores":            false,
		"apim-keystore-secret":    false,
	} {
		seen := func(names ...string) (all []cluster.Snapshot) {
			for _, name := range names {
				all = append(all, cluster.Snapshot{Ref: cluster.Ref{Kind: "Secret", Name: name}, Exists: name != missing})
			}
			return all
		}
		d := newDeployment(&run{env: env})
		d.credentials.before = seen(env.CredentialsSecret())
		d.certificates.before = seen(env.CASecret(), "apim-keystore-secret", "is-keystores", env.Listeners()[0].Secret)
		if got := d.apiManager.estranged(); got != want {
			t.Errorf("without Secret %q: %v, want %v", missing, got, want)
		}
	}
}
