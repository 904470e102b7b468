package auth

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"lockstep/starter/api/auth/denial"
	"lockstep/starter/api/auth/jwks"
	"lockstep/starter/api/limit"
)

// access is one version of the access file, made ready to be asked.
type access struct {
	source   source
	tokens   []knownToken
	users    *users // nil: there is no issuer
	requests *limit.Limiter
	failures *limit.Limiter
	proxies  []netip.Prefix
}

// readAccess makes the access file ready. What did not change since the version before goes on: the issuer's keys, and who
// was let through how often. It returns before itself if nothing changed.
func readAccess(o Options, before *access) (*access, error) {
	if before == nil {
		before = &access{}
	}
	source, err := read(o.File, before.source)
	if err != nil {
		return nil, err
	}
	if before.source.text != nil && bytes.Equal(before.source.text, source.text) && bytes.Equal(before.source.ca, source.ca) {
		return before, nil
	}
	a := &access{source: source, requests: before.requests, failures: before.failures}
	for _, token := range source.file.Tokens {
		a.tokens = append(a.tokens, token.ready())
	}
	for _, proxy := range source.file.TrustedProxies {
		network, _ := parseProxy(proxy) // checked
		a.proxies = append(a.proxies, network)
	}
	if limits := source.file.Limits; limits != before.source.file.Limits {
		perSecond := max(limits.RequestsPerSecond, o.RequestsPerSecond)
		a.requests = limit.New(float64(perSecond), 5*perSecond, o.Now)
		a.failures = limit.New(float64(limits.FailuresPerMinute)/60, limits.FailuresPerMinute, o.Now)
	}
	if oidc := source.file.OIDC; oidc != nil {
		keys, err := a.keys(before, o.Log, o.Now)
		if err != nil {
			return nil, fmt.Errorf("access file %s: %w", o.File, err)
		}
		a.users = newUsers(*oidc, keys, o.Now)
	}
	return a, nil
}

// keys are those that were fetched before, if the issuer is the same.
func (a *access) keys(before *access, log *slog.Logger, now func() time.Time) (*jwks.Keys, error) {
	issuer := a.source.file.OIDC.Issuer
	if before.users != nil && before.users.oidc.Issuer == issuer && bytes.Equal(before.source.ca, a.source.ca) {
		return before.users.keys, nil
	}
	return jwks.New(issuer, a.source.ca, log, now)
}

// ready is a token that passed the check.
func (t FileToken) ready() knownToken {
	known := knownToken{identity: Identity{Name: t.Name, Via: ViaToken}}
	sum, _ := hex.DecodeString(t.SHA256)
	copy(known.sum[:], sum)
	for _, grant := range t.Grants {
		known.identity.Grants = append(known.identity.Grants, readyGrant(grant.Role, grant.Environments))
	}
	return known
}

func readyGrant(role string, environments []string) Grant {
	parsed, _ := ParseRole(role) // checked
	return Grant{Role: parsed, Environments: environments}
}

// identify says whose token it is. Its errors are of [denial].
func (a *access) identify(ctx context.Context, token string) (Identity, error) {
	if identity, ok := find(a.tokens, token); ok {
		return identity, nil
	}
	switch {
	case a.users != nil && strings.Count(token, ".") == 2:
		return a.users.identify(ctx, token)
	case strings.Count(token, ".") == 2:
		return Identity{}, denial.Invalid("the token comes from an issuer, but this API accepts no issuer; ask the owner of the API's access file for a token")
	}
	return Identity{}, denial.Invalid("the token is not known, or was withdrawn; ask the owner of the API's access file for a token")
}
