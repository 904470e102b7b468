package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lockstep/starter/api/auth/denial"
	"lockstep/starter/api/auth/jwks"
)

// users are those of an OpenID Connect issuer.
type users struct {
	oidc   FileOIDC
	offers []groupGrant
	keys   *jwks.Keys
	parser *jwt.Parser
}

func newUsers(oidc FileOIDC, keys *jwks.Keys, now func() time.Time) *users {
	u := &users{oidc: oidc, keys: keys}
	for _, grant := range oidc.Grants {
		u.offers = append(u.offers, groupGrant{group: grant.Group, grant: readyGrant(grant.Role, grant.Environments)})
	}
	u.parser = jwt.NewParser(jwt.WithValidMethods(oidc.Algorithms), jwt.WithIssuer(oidc.Issuer), jwt.WithAudience(oidc.Audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(time.Duration(oidc.ClockSkew)), jwt.WithTimeFunc(now), jwt.WithStrictDecoding())
	return u
}

// identify checks a token's signature, issuer, audience and time, and says whose it is.
func (u *users) identify(ctx context.Context, raw string) (Identity, error) {
	claims := jwt.MapClaims{}
	_, err := u.parser.ParseWithClaims(raw, claims, func(token *jwt.Token) (any, error) { return u.key(ctx, token) })
	if err != nil {
		return Identity{}, u.failed(err, claims)
	}
	subject, err := claims.GetSubject()
	if err != nil || subject == "" {
		return Identity{}, denial.Invalid("the token has no claim sub; ask its issuer for a token of a user or a client")
	}
	identity := Identity{Name: subject, Via: ViaOIDC, Subject: subject, offers: u.offers}
	if name, ok := claims[u.oidc.UsernameClaim].(string); ok && name != "" {
		identity.Name = name
	}
	if expires, err := claims.GetExpirationTime(); err == nil && expires != nil {
		identity.Expires = expires.Add(time.Duration(u.oidc.ClockSkew))
	}
	groups := texts(claims[u.oidc.GroupsClaim])
	for _, offer := range u.offers {
		if slices.Contains(groups, offer.group) {
			identity.Grants = append(identity.Grants, offer.grant)
		}
	}
	return identity, nil
}

// key is the key that a token says it is signed with. The issuer is not asked about tokens that are not its own.
func (u *users) key(ctx context.Context, token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, denial.Invalid("the token has critical headers (crit), which this API does not support; ask the issuer for a token without them")
	}
	if issuer, err := token.Claims.GetIssuer(); err != nil || issuer != u.oidc.Issuer {
		return nil, jwt.ErrTokenInvalidIssuer
	}
	id, _ := token.Header["kid"].(string)
	return u.keys.Find(ctx, id, token.Method.Alg())
}

// failed says what is wrong with a token, without quoting it.
func (u *users) failed(err error, claims jwt.MapClaims) error {
	var own *denial.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return denial.Invalid("the token comes from another issuer; ask %s for one", u.oidc.Issuer)
	case errors.Is(err, jwt.ErrTokenMalformed):
		return denial.Invalid("the token is not a JWT; send it exactly as the issuer gave it, or ask the owner of the API's access file for one")
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return denial.Invalid("the token is not signed by %s with an algorithm that this API accepts; ask that issuer for another token", u.oidc.Issuer)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return denial.Invalid("the token is for another audience; ask %s for one for %q", u.oidc.Issuer, u.oidc.Audience)
	case errors.Is(err, jwt.ErrTokenExpired):
		if expired, err := claims.GetExpirationTime(); err == nil && expired != nil {
			return denial.Invalid("the token expired at %s; ask %s for another", expired.UTC().Format(time.RFC3339), u.oidc.Issuer)
		}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return denial.Invalid("the token is not valid yet; compare the clocks of this server and of %s", u.oidc.Issuer)
	}
	return denial.Invalid("the token lacks a readable claim: iss, aud, exp and sub are needed; ask %s for another", u.oidc.Issuer)
}

// texts are a claim that is a list of texts, or one text.
func texts(claim any) []string {
	switch value := claim.(type) {
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, item := range value {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}
