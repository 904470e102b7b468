package environments_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
)

func TestAReportIsForMachines(t *testing.T) {
	report := func(env config.Environment, err error) string {
		text, err := json.Marshal(environments.NewReport(env, err))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for holds, test := range map[string]struct {
		got  string
		want []string
	}{
		"valid, with warnings": {report(environments.Parse([]byte(configtest.Minimal), nil)), []string{`{"valid":true,"problems":[],"warnings":[{"path":"identityServer.values"`}},
		"invalid, with lines": {report(environments.Parse([]byte(strings.Replace(configtest.Minimal, "am.example.com", "AM.example.com", 1)), nil)),
			[]string{`{"valid":false,"problems":[{"path":"hostnames.management","line":`, `"value":"AM.example.com"`, `"warnings":[]}`}},
		"unreadable": {report(environments.Load("no such file")), []string{`{"valid":false,"problems":[{"path":"","message":"reading environment: open no such file`}},
	} {
		for _, want := range test.want {
			if !strings.Contains(test.got, want) {
				t.Errorf("%s: %s\nlacks %s", holds, test.got, want)
			}
		}
	}
}
