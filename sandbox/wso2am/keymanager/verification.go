package keymanager

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// JWKS keeps the key sets of key managers by URL.
type JWKS struct {
	mu   sync.Mutex
	sets map[string]jose.JSONWebKeySet
}

// Key is the key a key manager signs with: what its certificates say, fetched again when a token names a key that is
// not known.
func (j *JWKS) Key(ctx context.Context, client *http.Client, km KeyManager, kid string) (any, error) {
	switch {
	case km.Certificates == nil:
		return nil, errors.New("the key manager has no certificates")
	case km.Certificates.Type == "PEM":
		return keyOfPEM(km.Certificates.Value)
	}
	address := km.Certificates.Value
	j.mu.Lock()
	defer j.mu.Unlock()
	if known := j.sets[address]; len(known.Key(kid)) > 0 {
		return known.Key(kid)[0].Key, nil
	}
	set, err := fetchJWKS(ctx, client, address)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", address, err)
	}
	if j.sets == nil {
		j.sets = map[string]jose.JSONWebKeySet{}
	}
	j.sets[address] = set
	if keys := set.Key(kid); len(keys) > 0 {
		return keys[0].Key, nil
	}
	return nil, fmt.Errorf("no key %s at %s", kid, address)
}

func fetchJWKS(ctx context.Context, client *http.Client, address string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return set, err
	}
	response, err := client.Do(request)
	if err != nil {
		return set, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return set, statusError{response.StatusCode, address}
	}
	return set, json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&set)
}

// keyOfPEM reads a certificate from its PEM, in base64 once more, as the administrator's API wants it.
func keyOfPEM(value string) (any, error) {
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("certificates.value is not base64: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("certificates.value holds no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	return certificate.PublicKey, nil
}

// Introspect asks the key manager whether a token is active.
func (c Connector) Introspect(ctx context.Context, token string) (active bool, err error) {
	address := c.KeyManager.IntrospectionEndpoint
	form := url.Values{"token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(c.KeyManager.Property("Username"), c.KeyManager.Property("Password"))
	response, err := c.Client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	var answer struct{ Active bool }
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		return false, err
	}
	if response.StatusCode != http.StatusOK {
		return false, statusError{response.StatusCode, address}
	}
	return answer.Active, nil
}
