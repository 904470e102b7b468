// Package jwks fetches and keeps the keys that an OpenID Connect issuer signs tokens with.
package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// patience is for one answer of the issuer.
	patience = 5 * time.Second
	// longestAnswer is far above any discovery document or key set.
	longestAnswer = 1 << 20
)

// New are the keys of an issuer whose certificate is checked with ca (PEM), or, if that is empty, with the system's.
func New(issuer string, ca []byte, log *slog.Logger, now func() time.Time) (*Keys, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if len(ca) > 0 {
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("oidc.caFile holds no certificate: write the path of a PEM file")
		}
	}
	client := &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("it redirects elsewhere")
	}}
	return &Keys{issuer: issuer, Client: client, log: log, now: now}, nil
}

// fetch asks an issuer which keys it signs with (OpenID Connect Discovery 1.0, section 4), by id.
func fetch(ctx context.Context, client *http.Client, issuer string) (map[string]jose.JSONWebKey, error) {
	var about struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return nil, err
	}
	if about.Issuer != issuer {
		return nil, fmt.Errorf("the discovery document names the issuer %q: write it like this in the access file", about.Issuer)
	}
	if err := asSafe(about.JWKSURI, issuer); err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := get(ctx, client, about.JWKSURI, &set); err != nil {
		return nil, err
	}
	known := map[string]jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil {
			continue // of a kind not known here: RFC 7517, section 5, says to ignore it
		}
		if key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			known[key.KeyID] = key
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("the key set at %s has no public key for signatures", about.JWKSURI)
	}
	return known, nil
}

// asSafe refuses keys by plain HTTP from an issuer that is asked by TLS.
func asSafe(keys, issuer string) error {
	from, err := url.Parse(keys)
	if err != nil || from.Host == "" || from.Scheme != "https" && !strings.HasPrefix(issuer, from.Scheme+"://") {
		return fmt.Errorf("the discovery document has the jwks_uri %q: it must be an https URL", keys)
	}
	return nil
}

// get reads a JSON document.
func get(ctx context.Context, client *http.Client, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("asking the issuer: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the issuer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the issuer: %s answers %s", address, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, longestAnswer)).Decode(into); err != nil {
		return fmt.Errorf("reading the issuer's answer at %s: %w", address, err)
	}
	return nil
}
