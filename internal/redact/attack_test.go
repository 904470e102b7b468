package redact_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lockstep/internal/redact"
)

// secrets hold every character that some encoding writes in its own way.
var secrets = map[string]string{
	"hex":     "9f86d081884c7d659a2feaa0c55ad015",
	"special": `Pa55"w'o\rd/<&>+=% é` + "\t#!",
	"key":     "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n",
}

func TestASecretIsHiddenInEveryFormInWhichItIsQuoted(t *testing.T) {
	ways := map[string]func(s string) string{
		"plain":                   func(s string) string { return s },
		"JSON":                    func(s string) string { b, _ := json.Marshal(map[string]string{"x": s}); return string(b) },
		"JSON of another program": func(s string) string { return plainJSON(s) },
		"JSON in Go's quotes":     func(s string) string { return fmt.Sprintf("%q", plainJSON(s)) },
		"JSON in JSON":            func(s string) string { b, _ := json.Marshal(plainJSON(s)); return string(b) },
		"Go's quotes":             func(s string) string { return fmt.Sprintf("%q", s) },
		"Go's quotes in ASCII":    func(s string) string { return fmt.Sprintf("%+q", s) },
		"a query":                 func(s string) string { return "/token?" + url.Values{"x": {s}}.Encode() },
		"a query in lower case":   func(s string) string { return lower(url.QueryEscape(s)) },
		"a path":                  url.PathEscape,
		"the password of an address": func(s string) string {
			return (&url.URL{Scheme: "https", Host: "h", User: url.UserPassword("u", s)}).String()
		},
		"HTML": html.EscapeString,
		"XML": func(s string) string {
			var b strings.Builder
			_ = xml.EscapeText(&b, []byte(s))
			return b.String()
		},
		"XML of Java": func(s string) string {
			return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
		},
		"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 for names": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"a login of a user": func(s string) string {
			r := http.Request{Header: http.Header{}}
			r.SetBasicAuth("a", s)
			return "sent " + r.Header.Get("Authorization")[6:]
		},
		"a login of another user": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("admin:" + s + "!")) },
	}
	for name, secret := range secrets {
		for way, quote := range ways {
			said := "the answer was " + quote(strings.TrimSpace(secret)) + ", which is wrong"
			got := redact.Text(known(secret), said)
			for i := 0; i+12 <= len(said)-len(", which is wrong"); i++ {
				if i >= len("the answer was ") && strings.Contains(got, said[i:i+12]) && strings.Contains(quote(strings.TrimSpace(secret)), said[i:i+12]) &&
					!frame(said[i:i+12], way) {
					t.Errorf("%s as %s: %q holds %q of %q", name, way, got, said[i:i+12], said)
					break
				}
			}
		}
	}
}

// frame is what is around a secret, and no part of it.
func frame(text, way string) bool {
	for _, part := range []string{"/token?x=", "https://u:", "sent ", "-----", "----BEGIN", "BEGIN", "END"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return strings.Contains(way, "user") && strings.HasPrefix(base64.StdEncoding.EncodeToString([]byte("admin:")), text[:6])
}

func plainJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(map[string]string{"x": s})
	return strings.TrimSpace(b.String())
}

func lower(escaped string) string {
	for _, c := range "ABCDEF" {
		for _, d := range "0123456789ABCDEF" {
			escaped = strings.ReplaceAll(escaped, fmt.Sprintf("%%%c%c", d, c), strings.ToLower(fmt.Sprintf("%%%c%c", d, c)))
			escaped = strings.ReplaceAll(escaped, fmt.Sprintf("%%%c%c", c, d), strings.ToLower(fmt.Sprintf("%%%c%c", c, d)))
		}
	}
	return escaped
}

func TestWhatCanOnlyBeACredentialIsHiddenInEveryText(t *testing.T) {
	for said, want := range map[string]string{
		"getting https://bob:hunter2@charts.test/x: 404":                                   "getting https://bob:***@charts.test/x: 404",
		"getting https://ghp_0123456789@git.test/x":                                        "getting https://***@git.test/x",
		"redis://:hunter2@cache:6379":                                                      "redis://:***@cache:6379",
		"https://s3.test/x.tgz?X-Amz-Credential=AKIA/x&X-Amz-Signature=abc&v=1: no":        "https://s3.test/x.tgz?X-Amz-Credential=***&X-Amz-Signature=***&v=1: no",
		"https://blob.test/x?sv=2&sig=ab%2Bc":                                              "https://blob.test/x?sv=2&sig=***",
		"jdbc:mysql://db/am?user=am&password=hunter2":                                      "jdbc:mysql://db/am?user=am&password=***",
		"sent Authorization: Basic YWRtaW46YWRtaW4= to it":                                 "sent Authorization: *** to it",
		`{"Authorization":"Bearer abc.def"}`:                                               `{"Authorization":"***"}`,
		"with Bearer 0123456789abcdef0123":                                                 "with Bearer ***",
		"token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2ln is old":                      "token *** is old",
		"key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nread": "key:\n***\nread",
		"a key that was cut -----BEGIN PRIVATE KEY-----\nMIIE":                             "a key that was cut ***",
	} {
		if got := redact.Text(context.Background(), said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}

func TestWhatLooksLikeACredentialIsHiddenInWhatOthersWrote(t *testing.T) {
	for said, want := range map[string]string{
		"token endpoint is https://km.example/oauth2":                 "token endpoint is https://km.example/oauth2",
		`MountVolume failed: secret "is-keystores" gone`:              `MountVolume failed: secret "is-keystores" gone`,
		"sent Basic YWRtaW46YWRtaW4= to it":                           "sent Basic *** to it",
		"- {name: DB_PASSWORD, value: hunter2}":                       "- {name: DB_PASSWORD, value: ***",
		`{"name":"DB_PASSWORD","value":"hun ter2","x":1}`:             `{"name":"DB_PASSWORD","value":***,"x":1}`,
		`said "{\"name\":\"DB_PASSWORD\",\"value\":\"hun ter2\"}"`:    `said "{\"name\":\"DB_PASSWORD\",\"value\":***}"`,
		"Name: API_TOKEN\n  Value: hunter2\nmore":                     "Name: API_TOKEN\n  Value: ***\nmore",
		"cannot connect to am:hunter2@tcp(db:3306)/am":                "cannot connect to am:***@tcp(db:3306)/am",
		"dsn am:hunter2@db.test:5432/am":                              "dsn am:***@db.test:5432/am",
		"jdbc:oracle:thin:am/hunter2@db:1521/x":                       "jdbc:oracle:thin:am/***@db:1521/x",
		`WARN password = "hunter2" refused`:                           "WARN password = *** refused",
		`{\"client_secret\":\"hun ter2\",\"id\":1}`:                   `{\"client_secret\":***,\"id\":1}`,
		"connection string: Server=db;Uid=am;Pwd=hunter2;":            "connection string: Server=db;Uid=am;Pwd=***",
		"pulling docker.io/wso2/wso2is:7.2.0@sha256:0123456789abcdef": "pulling docker.io/wso2/wso2is:7.2.0@sha256:0123456789abcdef",
	} {
		if got := redact.Foreign(context.Background(), said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}

func TestWhatLockstepItselfSaysStaysReadable(t *testing.T) {
	for _, said := range []string{
		"key \"isEncryptionKey\" of Secret apim/creds is not 64 hex digits: make one with `openssl rand -hex 32`",
		"keystorePassword: the store does not open with it",
		"image docker.io/wso2/wso2is:7.2.0@sha256:0123456789abcdef is not there",
		"basic authentication is switched off",
		"write $env{NAME}, and put the value under the key NAME into the Secret that credentials.secret names",
		"API Manager answered GET /publisher?limit=1&query=x with 500",
	} {
		if got := redact.Text(known("9f86d081884c7d659a2feaa0c55ad015"), said); got != said {
			t.Errorf("%q became %q", said, got)
		}
	}
}

// A text that was cut before anybody looked is the worst case: what is left of the secret is less than a quarter.
func TestLessThanAQuarterOfASecretIsLeftWhereATextWasCut(t *testing.T) {
	secret := secrets["hex"]
	for n := 1; n < len(secret); n++ {
		for _, said := range []string{"it is " + secret[:n], "it is " + secret[:n] + "…", secret[n:] + " was it", "..." + secret[n:] + " was it"} {
			got := redact.Text(known(secret), said)
			for i := 0; i+len(secret)/4 <= len(secret); i++ {
				if part := secret[i : i+len(secret)/4]; strings.Contains(got, part) {
					t.Fatalf("%q became %q, which holds %q", said, got, part)
				}
			}
		}
	}
	if got := redact.Text(known("jdbc:mysql://db:3306/apim?user=apim"), "it takes a name of type jdbc\nand more"); got != "it takes a name of type jdbc\nand more" {
		t.Errorf("a word at the end of a line became %q", got)
	}
}

func TestWhatBecomesKnownWithinIsNotKnownOutside(t *testing.T) {
	outer := known("outer-secret")
	inner := redact.With(outer)
	redact.Add(inner, "inner-secret")
	if got := redact.Text(inner, "outer-secret inner-secret"); got != "… …" {
		t.Errorf("inside: %q", got)
	}
	if got := redact.Text(outer, "outer-secret inner-secret"); got != "… inner-secret" {
		t.Errorf("outside: %q", got)
	}
}
