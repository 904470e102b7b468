package config_test

import (
	"strings"
	"testing"

	"lockstep/config"
)

func TestAProblemShowsNoLogin(t *testing.T) {
	for value, want := range map[string]string{
		"ftp://bob:hush@charts.test/x":       "ftp://…@charts.test/x",
		"ftp://hush@charts.test/x":           "ftp://…@charts.test/x",
		"bob:hush@registry.test/x":           "bob:…@registry.test/x",
		"file:///x?X-Amz-Signature=hush&a=1": "file:///x?X-Amz-Signature=…&a=1",
		"x/wso2is:7.2.0@sha256:0123":         "x/wso2is:7.2.0@sha256:0123",
		"wso2is:7.2.0@sha256:0123":           "wso2is:7.2.0@sha256:0123",
		"admin@wso2.com":                     "admin@wso2.com",
		"am.wso2.com":                        "am.wso2.com",
	} {
		var found config.Problems
		found.Add("x", value, "is wrong", "mend it")
		if got := found[0].Value; got != want || strings.Contains(found.Error(), "hush") {
			t.Errorf("%q is shown as %q, want %q", value, got, want)
		}
	}
}
