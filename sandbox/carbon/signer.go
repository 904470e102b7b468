package carbon

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// A Signer signs tokens with the primary keystore's key and publishes its certificate.
type Signer struct {
	pair Pair
	kid  string
}

func newSigner(primary Pair) (*Signer, error) {
	if _, ok := primary.Key.(*rsa.PrivateKey); !ok {
		return nil, errors.New("the primary keystore's key is not an RSA key: RS256 needs one")
	}
	sum := sha256.Sum256(primary.Chain[0].Raw)
	kid := base64.RawURLEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))) + "_RS256"
	return &Signer{pair: primary, kid: kid}, nil
}

// Sign makes a JWT access token.
func (s *Signer) Sign(claims map[string]any) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
	token.Header["kid"] = s.kid
	token.Header["typ"] = "at+jwt"
	signed, err := token.SignedString(s.pair.Key)
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	return signed, nil
}

// JWKS is the body of /oauth2/jwks.
func (s *Signer) JWKS() jose.JSONWebKeySet {
	leaf := s.pair.Chain[0]
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: leaf.PublicKey, Certificates: []*x509.Certificate{leaf}, KeyID: s.kid, Algorithm: "RS256", Use: "sig",
	}}}
}

// PublicKey verifies what Sign made.
func (s *Signer) PublicKey() any { return s.pair.Chain[0].PublicKey }
