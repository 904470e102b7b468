package wso2am

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep/sandbox/wso2am/keymanager"

	"github.com/golang-jwt/jwt/v5"
)

const clockSkew = 5 * time.Second

// authorize lets a call in, or says why not. It returns the type of the keys the token was got with.
func (s *server) authorize(r *http.Request, target deployedAPI, wanted operation) (string, *fault) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", &missingCredentials
	}
	bearer, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return "", &missingCredentials
	}
	claims, km, fault := s.verify(r.Context(), bearer)
	if fault != nil {
		return "", fault
	}
	if !slices.Contains(target.KeyManagers, "all") && !slices.Contains(target.KeyManagers, km.Name) {
		return "", &invalidCredentials
	}
	scope, _ := claims[km.ScopesClaim].(string)
	held := strings.Fields(scope)
	if len(wanted.Scopes) > 0 && !slices.ContainsFunc(wanted.Scopes, func(one string) bool { return slices.Contains(held, one) }) {
		return "", &scopeMissing
	}
	consumerKey, _ := claims[km.ConsumerKeyClaim].(string)
	return s.store.subscribed(consumerKey, km.ID, target.ID)
}

// verify finds the key manager by the token's issuer, byte for byte, and checks the token as that one wants it.
func (s *server) verify(ctx context.Context, bearer string) (jwt.MapClaims, keymanager.KeyManager, *fault) {
	unverified, _, err := jwt.NewParser().ParseUnverified(bearer, jwt.MapClaims{})
	if err != nil {
		return nil, keymanager.KeyManager{}, &invalidCredentials // opaque tokens have nobody to ask here
	}
	claims := unverified.Claims.(jwt.MapClaims)
	issuer, _ := claims["iss"].(string)
	km, ok := s.store.issuedBy(issuer)
	if !ok {
		return nil, keymanager.KeyManager{}, &invalidCredentials
	}
	if id, _ := claims["jti"].(string); s.store.isRevoked(id) {
		return nil, keymanager.KeyManager{}, &invalidCredentials
	}
	if !km.EnableSelfValidationJWT {
		return claims, km, s.introspectAt(ctx, km, bearer)
	}
	var unreachable error
	verified, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew)).
		Parse(bearer, func(token *jwt.Token) (any, error) {
			kid, _ := token.Header["kid"].(string)
			key, err := s.verificationKey(ctx, km, kid)
			unreachable = err
			return key, err
		})
	switch {
	case unreachable != nil:
		s.Env.Log.Error("Error while retrieving the signing certificate", "keyManager", km.Name, "error", unreachable.Error())
		return nil, keymanager.KeyManager{}, &unclassified
	case err != nil || !verified.Valid:
		return nil, keymanager.KeyManager{}, &invalidCredentials
	}
	return claims, km, nil
}

// verificationKey is the key that a key manager signs with.
func (s *server) verificationKey(ctx context.Context, km keymanager.KeyManager, kid string) (any, error) {
	if km.Resident() {
		return s.Signer.PublicKey(), nil
	}
	return s.jwks.Key(ctx, s.keyManagers, km, kid)
}

// introspectAt asks the key manager about a token, when the gateway is not to validate it itself.
func (s *server) introspectAt(ctx context.Context, km keymanager.KeyManager, token string) *fault {
	active, err := s.connector(km).Introspect(ctx, token)
	switch {
	case err != nil:
		return &unclassified
	case !active:
		return &invalidCredentials
	}
	return nil
}

// issuedBy finds the key manager among those the gateway has heard of. Which of two with one issuer is anybody's guess.
func (s *store) issuedBy(issuer string) (keymanager.KeyManager, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, km := range s.live {
		if km.Enabled && km.Issuer == issuer {
			return km, true
		}
	}
	return keymanager.KeyManager{}, false
}

func (s *store) isRevoked(jti string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.revoked[jti]
	return ok && time.Now().Before(until)
}

// subscribed finds the application by its consumer key, and its subscription.
func (s *store) subscribed(consumerKey, keyManagerID, apiID string) (string, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, mapping := range s.keys {
		if mapping.leaked() || mapping.ConsumerKey != consumerKey || mapping.KeyManagerID != keyManagerID {
			continue
		}
		for _, one := range s.subscriptions {
			if one.ApplicationID == mapping.ApplicationID && one.APIID == apiID {
				return mapping.KeyType, nil
			}
		}
	}
	return "", &resourceForbidden
}
