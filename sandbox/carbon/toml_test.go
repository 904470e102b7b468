package carbon

import (
	"strings"
	"testing"
)

func TestDeploymentTomlIsReadWithTheTrapsOfItsParser(t *testing.T) {
	tests := []struct {
		name, toml string
		want       string // of the error; "" is none
	}{
		{"tables in order", "[oauth]\nauthorize_all_scopes = true\n[oauth.token_cleanup]\nenable = true", ""},
		{"a table after its sub-table", "[oauth.token_cleanup]\nenable = true\n[oauth]\nauthorize_all_scopes = true",
			"java.lang.StackOverflowError"},
		{"a table after its sub-sub-table", "[a.b.c]\nx = 1\n[a]\ny = 1", "java.lang.StackOverflowError"},
		{"a table twice", "[server]\nhostname = 'a'\n[server]\noffset = 0", "server previously defined"},
		{"a table twice, with its sub-table between", "[a]\nx = 1\n[a.b]\nx = 1\n[a]\ny = 1", "a previously defined"},
		{"sub-tables of elements of an array", "[[l]]\nx = 1\n[l.p]\ny = 1\n[[l]]\nx = 2\n[l.p]\ny = 2", ""},
		{"a key twice", "[a]\nx = 1\nx = 2", "ConfigParserException"},
		{"a header in a text of many lines", "[a.b]\nx = '''\n[a]\n'''", ""},
		{"a variable that is not set", "[a]\nx = '$env{MISSING}'", "Environment variable MISSING is not defined"},
		{"a reference to nothing", "[a]\nx = '$ref{b.c}'", "Configuration with key b.c doesn't exist"},
		{"references in a circle", "[a]\nx = '$ref{a.y}'\ny = '$ref{a.x}'", "References can't be resolved"},
		{"a secret of a vault", "[a]\nx = '$secret{x}'", "secret references can't be resolved for x"},
		{"no TOML", "[a", "ConfigParserException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseConfig([]byte(test.toml), noVariables)
			if test.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func noVariables(string) string { return "" }

func TestADottedKeyAtTheStartOfExtraConfigsBelongsToTheTableBefore(t *testing.T) {
	config, err := ParseConfig([]byte("[authentication.authenticator.totp.parameters]\nUseCommonIssuer = true\n"+
		"oauth.authorize_all_scopes = true"), noVariables)
	if err != nil {
		t.Fatal(err)
	}
	if config.Bool("oauth.authorize_all_scopes") {
		t.Error("the key is effective")
	}
}

func TestReferencesAreResolvedWhereTheProductResolvesThem(t *testing.T) {
	config, err := ParseConfig([]byte(`
[server]
hostname = "am.example.test"
offset = "1"
[super_admin]
username = "$env{USER_NAME}"
password = "secret"
[copy]
user = "x$ref{super_admin.username}y"
[[list]]
user = "$ref{super_admin.username}"
variable = "$env{USER_NAME}"
later = "https://${carbon.host}:${mgt.transport.https.port}/${admin.username}:${admin.password}/${unknown}"
`), func(name string) string { return map[string]string{"USER_NAME": "root"}[name] })
	if err != nil {
		t.Fatal(err)
	}
	element := config.Tables("list")[0]
	for got, want := range map[string]string{
		config.String("copy.user", ""):           "xrooty",
		element.String("user"):                   "$ref{super_admin.username}", // not in arrays of tables
		element.String("variable"):               "root",
		config.Resolve(element.String("later")):  "https://am.example.test:9444/root:secret/${unknown}",
		config.String("server.offset", "absent"): "1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
