package config

// SecretName is the Secret that holds the credentials: the user's, or the one that Lockstep makes.
func (c Credentials) SecretName() string { return orElse(c.Secret, "lockstep-credentials") }

// CASecretName is the Secret that holds the CA: the user's, or the one that Lockstep makes.
func (c Certificates) CASecretName() string { return orElse(c.CA, "lockstep-ca") }

// GatewayTLSName is the Secret of the public listeners: the user's, or the one that Lockstep makes.
func (c Certificates) GatewayTLSName() string { return orElse(c.GatewayTLS, "gateway-tls") }

func orElse(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}
