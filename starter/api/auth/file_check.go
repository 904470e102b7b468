package auth

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"lockstep/config"
)

// longestSkew bounds how long an expired token is taken.
const longestSkew = 5 * time.Minute

// checker collects what is wrong.
type checker struct{ found config.Problems }

func (c *checker) add(path, value, message, next string) {
	c.found = append(c.found, config.Problem{Path: path, Value: value, Message: message, Next: next})
}

// check is all that is wrong with the file.
func (f File) check() config.Problems {
	c := &checker{}
	if len(f.Tokens) == 0 && f.OIDC == nil {
		c.add("tokens", "", "is missing, and so is oidc: nobody could use the API",
			"make a token and its entry with `lockstep api token`, or write oidc")
	}
	c.tokens(f.Tokens)
	if f.OIDC != nil {
		c.oidc(*f.OIDC)
	}
	c.limit("limits.requestsPerSecond", f.Limits.RequestsPerSecond)
	c.limit("limits.failuresPerMinute", f.Limits.FailuresPerMinute)
	for i, proxy := range f.TrustedProxies {
		if _, err := parseProxy(proxy); err != nil {
			c.add(fmt.Sprintf("trustedProxies[%d]", i), proxy, "is not an address or network", "write it as 10.1.2.3 or 10.0.0.0/8")
		}
	}
	return c.found
}

func (c *checker) tokens(tokens []FileToken) {
	names, sums := map[string]int{}, map[string]int{}
	for i, token := range tokens {
		path := fmt.Sprintf("tokens[%d]", i)
		c.name(path+".name", token.Name)
		if first, twice := names[token.Name]; twice && token.Name != "" {
			c.add(path+".name", token.Name, fmt.Sprintf("is also the name of tokens[%d]", first), "give each token a name of its own: the audit log tells them apart by it")
		} else {
			names[token.Name] = i
		}
		sum := strings.ToLower(token.SHA256)
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 {
			c.add(path+".sha256", "", "is not a SHA-256 in hexadecimal", "write its 64 digits: printf %s \"$TOKEN\" | sha256sum")
		} else if first, twice := sums[sum]; twice {
			c.add(path+".sha256", "", fmt.Sprintf("is also that of tokens[%d]", first), "make another token with `lockstep api token`")
		} else {
			sums[sum] = i
		}
		c.grants(path, len(token.Grants))
		for j, grant := range token.Grants {
			c.grant(fmt.Sprintf("%s.grants[%d]", path, j), grant.Role, grant.Environments)
		}
	}
}

func (c *checker) oidc(o FileOIDC) {
	c.issuer(o.Issuer)
	if o.Audience == "" {
		c.add("oidc.audience", "", "is missing", "write the claim aud of the tokens for this API: without it the API would accept tokens for other programs")
	}
	for i, algorithm := range o.Algorithms {
		if !slices.Contains(algorithms(), algorithm) {
			c.add(fmt.Sprintf("oidc.algorithms[%d]", i), algorithm, "is not accepted", "write some of "+strings.Join(algorithms(), ", "))
		}
	}
	if skew := time.Duration(o.ClockSkew); skew < 0 || skew > longestSkew {
		c.add("oidc.clockSkew", o.ClockSkew.String(), "is out of range", "write 0s to 5m")
	}
	c.grants("oidc", len(o.Grants))
	for i, grant := range o.Grants {
		path := fmt.Sprintf("oidc.grants[%d]", i)
		if grant.Group == "" {
			c.add(path+".group", "", "is missing", "write a group as the claim has it")
		}
		c.grant(path, grant.Role, grant.Environments)
	}
}

// issuer must be asked over TLS: its answer says which keys to trust.
func (c *checker) issuer(issuer string) {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		c.add("oidc.issuer", "", "is missing", "write the URL that tokens have in the claim iss")
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		c.add("oidc.issuer", "", "is not the URL of an issuer", "write it as https://id.example.com/oauth2/token")
	case u.Scheme != "https" && !(u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()):
		c.add("oidc.issuer", issuer, "is not an https URL", "write the issuer's https URL: http is only for loopback addresses")
	}
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (c *checker) name(path, name string) {
	if !tokenName.MatchString(name) {
		c.add(path, name, "is not a valid name", "write 1 to 63 letters, digits, dots, hyphens and underscores, for example name: ci")
	}
}

func (c *checker) grants(path string, n int) {
	if n == 0 {
		c.add(path+".grants", "", "is missing", `write as in grants: [{role: reader, environments: ["*"]}]`)
	}
}

var pattern = regexp.MustCompile(`^[a-z0-9*?-]{1,63}$`)

func (c *checker) grant(path, role string, environments []string) {
	if _, err := ParseRole(role); err != nil {
		c.add(path+".role", role, "is not a role", "write reader, operator or admin")
	}
	if len(environments) == 0 {
		c.add(path+".environments", "", "is missing", `write names or patterns, for example environments: [dev, "test-*"]`)
	}
	for i, environment := range environments {
		if !pattern.MatchString(environment) {
			c.add(fmt.Sprintf("%s.environments[%d]", path, i), environment, "matches no environment's name",
				"write lower-case letters, digits and hyphens, * for any characters and ? for one")
		}
	}
}

func (c *checker) limit(path string, value int) {
	if value < 0 || value > 1_000_000 {
		c.add(path, fmt.Sprint(value), "is out of range", "write 1 to 1000000, or leave it out for the default")
	}
}

func parseProxy(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// hideTokens keeps what is written in place of a token's SHA-256 out of problems: it may be the token.
func hideTokens(found config.Problems) config.Problems {
	for i := range found {
		if strings.HasSuffix(found[i].Path, ".sha256") && found[i].Value != "" {
			found[i].Value = ""
			found[i].Next = "write 64 hexadecimal digits, in quotes"
		}
	}
	return found
}
