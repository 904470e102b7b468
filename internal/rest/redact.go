package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// secretField is how fields with secrets are called, in forms and in JSON.
var secretField = regexp.MustCompile(`(?i)(password|secret|^token|assertion)$`)

// minSecret keeps a text short enough to be part of any word from being hidden everywhere.
const minSecret = 4

// redacted hides the secrets of a request in what the product said about it: some of them quote what they refuse.
func redacted(r Request, text string) string {
	if text == "" {
		return ""
	}
	for _, secret := range secrets(r) {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

func secrets(r Request) (found []string) {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	found = append(found, credentials)
	if scheme == "Basic" {
		_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
		found = append(found, password)
	}
	if form, isForm := r.Body.(url.Values); isForm {
		for name, values := range form {
			if secretField.MatchString(name) {
				found = append(found, values...)
			}
		}
		return found
	}
	text, _ := json.Marshal(r.Body)
	var body any
	_ = json.Unmarshal(text, &body)
	return append(found, fields(body)...)
}

// fields are the secrets anywhere in decoded JSON.
func fields(body any) (found []string) {
	switch body := body.(type) {
	case map[string]any:
		for name, value := range body {
			if text, isText := value.(string); isText && secretField.MatchString(name) {
				found = append(found, text)
			}
			found = append(found, fields(value)...)
		}
	case []any:
		for _, value := range body {
			found = append(found, fields(value)...)
		}
	}
	return found
}
