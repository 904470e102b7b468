package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"lockstep/internal/redact"
)

// secretField is how fields with secrets are called, in forms and in JSON.
var secretField = regexp.MustCompile(`(?i)(password|secret|^token|assertion)$`)

// hiding keeps the secrets of a request, and what looks like one, out of what the product said about it: some quote what they refuse.
func hiding(ctx context.Context, r Request) func(string) string {
	ctx = redact.With(ctx)
	redact.Add(ctx, secrets(r)...)
	return func(text string) string { return redact.Foreign(ctx, text) }
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
		if name, _ := body["name"].(string); secretField.MatchString(name) { // an entry of a list of settings
			text, _ := body["value"].(string)
			found = append(found, text)
		}
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
