package keystore

import (
	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
)

// Store is a Secret of an environment that holds stores or a certificate.
type Store struct {
	Secret string
	Type   corev1.SecretType
	// Of gives the data of the Secret, of what was made.
	Of func(Stores) map[string][]byte
	// Into puts the data of the Secret to what exists.
	Into func(data map[string][]byte, existing *Existing)
}

// APIManager is the Secret with API Manager's stores.
func APIManager() Store {
	return Store{Secret: APIMSecret, Type: corev1.SecretTypeOpaque,
		Of:   func(s Stores) map[string][]byte { return s.APIM },
		Into: func(data map[string][]byte, e *Existing) { e.APIM = data }}
}

// IdentityServer is the Secret with Identity Server's stores.
func IdentityServer() Store {
	return Store{Secret: ISSecret, Type: corev1.SecretTypeOpaque,
		Of:   func(s Stores) map[string][]byte { return s.IS },
		Into: func(data map[string][]byte, e *Existing) { e.IS = data }}
}

// Listeners are the Secrets with the certificates of the gateway's listeners.
func Listeners(env config.Environment) (all []Store) {
	for _, secret := range env.ListenerSecrets() {
		all = append(all, Store{Secret: secret, Type: corev1.SecretTypeTLS,
			Of: func(s Stores) map[string][]byte { return s.Listeners[secret] },
			Into: func(data map[string][]byte, e *Existing) {
				if e.Listeners == nil {
					e.Listeners = map[string]map[string][]byte{}
				}
				e.Listeners[secret] = data
			}})
	}
	return all
}
