package identity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAuthorizeAllScopesComesBeforeWhatTheParserMustNotSeeFirst(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"before its child": {
			"[server]\na = 1\n\n[oauth.token_cleanup]\nenable = false\n",
			"[server]\na = 1\n\n[oauth]\nauthorize_all_scopes = true\n\n[oauth.token_cleanup]\nenable = false\n"},
		"before an array of its children": {
			"[[oauth.extensions.token_types]]\nname = \"JWT\"\n",
			"[oauth]\nauthorize_all_scopes = true\n\n[[oauth.extensions.token_types]]\nname = \"JWT\"\n"},
		"into the table that is there": {
			"[oauth]\nother = 1\n[oauth.token_cleanup]\n",
			"[oauth]\nauthorize_all_scopes = true\nother = 1\n[oauth.token_cleanup]\n"},
		"at the end where there is none": {
			"[server]\na = 1\n",
			"[server]\na = 1\n\n[oauth]\nauthorize_all_scopes = true\n"},
		"nowhere if it is said already": {
			"[oauth]\nauthorize_all_scopes = false\n",
			"[oauth]\nauthorize_all_scopes = false\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, authorizeAllScopes(c.text)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}
