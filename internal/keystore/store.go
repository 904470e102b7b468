package keystore

import corev1 "k8s.io/api/core/v1"

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

// Listener is the Secret of that name with the certificate of the gateway's listeners.
func Listener(secret string) Store {
	return Store{Secret: secret, Type: corev1.SecretTypeTLS,
		Of: func(s Stores) map[string][]byte {
			return map[string][]byte{corev1.TLSCertKey: s.GatewayCert, corev1.TLSPrivateKeyKey: s.GatewayKey}
		},
		Into: func(data map[string][]byte, e *Existing) {
			e.GatewayCert, e.GatewayKey = data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]
		}}
}
