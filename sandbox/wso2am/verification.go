package wso2am

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

// jwksCache keeps the key sets of key managers by URL.
type jwksCache struct {
	mu   sync.Mutex
	sets map[string]jose.JSONWebKeySet
}

// verificationKey is the key a key manager signs with: what its certificates say, fetched again when a token names a
// key that is not known.
func (s *server) verificationKey(ctx context.Context, km keyManager, kid string) (any, error) {
	switch {
	case km.resident():
		return s.Signer.PublicKey(), nil
	case km.Certificates == nil:
		return nil, errors.New("the key manager has no certificates")
	case km.Certificates.Type == "PEM":
		return keyOfPEM(km.Certificates.Value)
	}
	address := km.Certificates.Value
	s.jwks.mu.Lock()
	defer s.jwks.mu.Unlock()
	if known := s.jwks.sets[address]; len(known.Key(kid)) > 0 {
		return known.Key(kid)[0].Key, nil
	}
	set, err := s.fetchJWKS(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", address, err)
	}
	if s.jwks.sets == nil {
		s.jwks.sets = map[string]jose.JSONWebKeySet{}
	}
	s.jwks.sets[address] = set
	if keys := set.Key(kid); len(keys) > 0 {
		return keys[0].Key, nil
	}
	return nil, fmt.Errorf("no key %s at %s", kid, address)
}

func (s *server) fetchJWKS(ctx context.Context, address string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return set, err
	}
	response, err := s.keyManagers.Do(request)
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

// introspectAt asks the key manager about a token, when the gateway is not to validate it itself.
func (s *server) introspectAt(ctx context.Context, km keyManager, token string) *fault {
	form := url.Values{"token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, km.IntrospectionEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return &unclassified
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(km.property("Username"), km.property("Password"))
	response, err := s.keyManagers.Do(request)
	if err != nil {
		return &unclassified
	}
	defer response.Body.Close()
	var answer struct{ Active bool }
	if json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer) != nil || response.StatusCode != http.StatusOK {
		return &unclassified
	}
	if !answer.Active {
		return &invalidCredentials
	}
	return nil
}
