package auth

import (
	"strings"

	"lockstep/starter/api/auth/denial"
)

// longestToken is well above what issuers make, and below what a header may be.
const longestToken = 8 << 10

// bearer is the token in the headers `Authorization` of a request (RFC 6750, section 2.1). Its errors do not show it.
func bearer(headers []string) (string, error) {
	switch len(headers) {
	case 0:
		return "", denial.Invalid("the request has no token; send one as Authorization: Bearer <token>")
	case 1:
	default:
		return "", denial.Invalid("the request has several Authorization headers; send one")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", denial.Invalid("the header Authorization holds no bearer token; send it as Authorization: Bearer <token>")
	}
	token = strings.Trim(token, " ")
	switch {
	case token == "":
		return "", denial.Invalid("the token is empty; send it as Authorization: Bearer <token>")
	case len(token) > longestToken:
		return "", denial.Invalid("the token is longer than 8 KiB; ask the issuer for one with fewer claims")
	case strings.Trim(strings.TrimRight(token, "="), tokenCharacters) != "":
		return "", denial.Invalid("the token has characters that are not allowed; send it as it was given, without quotes or line breaks")
	}
	return token, nil
}

// tokenCharacters are those of b64token, besides = at its end.
const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
