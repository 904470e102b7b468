package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// TokenPrefix begins every token that Lockstep makes, so that scanners for leaked secrets can know one.
const TokenPrefix = "lockstep_"

// NewToken makes a token of 256 random bits, and the entry of the access file that knows it by its SHA-256: a list of one,
// to be put below tokens. Name, role and patterns are checked as in the file.
func NewToken(name, role string, environments []string) (token, entry string, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	token = TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	file := File{Tokens: []FileToken{{Name: name, SHA256: digest(token), Grants: []FileGrant{{Role: role, Environments: environments}}}}}
	if found := file.check(); len(found) > 0 {
		return "", "", found
	}
	patterns := make([]string, len(environments))
	for i, pattern := range environments {
		patterns[i] = strconv.Quote(pattern) // one that begins with * would be an alias
	}
	entry = fmt.Sprintf("- name: %q\n  sha256: %s\n  grants:\n    - role: %s\n      environments: [%s]\n",
		name, digest(token), role, strings.Join(patterns, ", "))
	return token, entry, nil
}

// knownToken is a token of the access file.
type knownToken struct {
	sum      [sha256.Size]byte
	identity Identity
}

// find compares a token with all there are, in the same time whichever it is.
func find(tokens []knownToken, token string) (Identity, bool) {
	sum := sha256.Sum256([]byte(token))
	found := -1
	for i := range tokens {
		same := subtle.ConstantTimeCompare(sum[:], tokens[i].sum[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Identity{}, false
	}
	return tokens[found].identity, true
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
