package auth

import (
	"strings"
	"testing"
)

func TestATokenIsReadFromItsHeader(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers []string
		token   string
		says    string
	}{
		{"as it should be", []string{"Bearer a.b-c_d~e+f/g=="}, "a.b-c_d~e+f/g==", ""},
		{"the scheme in any case", []string{"bEARER abc"}, "abc", ""},
		{"more spaces", []string{"Bearer   abc "}, "abc", ""},
		{"the longest", []string{"Bearer " + strings.Repeat("a", 8192)}, strings.Repeat("a", 8192), ""},
		{"too long", []string{"Bearer " + strings.Repeat("a", 8193)}, "", "longer than 8 KiB"},
		{"none", nil, "", "the request has no token"},
		{"empty", []string{""}, "", "no bearer token"},
		{"the scheme alone", []string{"Bearer"}, "", "is empty"},
		{"the scheme and a space", []string{"Bearer "}, "", "is empty"},
		{"the token alone", []string{"abc"}, "", "no bearer token"},
		{"another scheme", []string{"Basic abc"}, "", "no bearer token"},
		{"a longer scheme", []string{"Bearers abc"}, "", "no bearer token"},
		{"a tab", []string{"Bearer\tabc"}, "", "no bearer token"},
		{"two tokens", []string{"Bearer abc def"}, "", "characters that are not allowed"},
		{"quotes", []string{`Bearer "abc"`}, "", "characters that are not allowed"},
		{"padding in the middle", []string{"Bearer ab=c"}, "", "characters that are not allowed"},
		{"a line break", []string{"Bearer abc\n"}, "", "characters that are not allowed"},
		{"other letters", []string{"Bearer äbc"}, "", "characters that are not allowed"},
		{"two headers", []string{"Bearer abc", "Bearer def"}, "", "several Authorization headers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			token, err := bearer(test.headers)
			if token != test.token || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q %v", token, err)
			}
		})
	}
}

func FuzzATokenIsOneWordAndNoErrorShowsIt(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  a==", "Bearer ===", "Basic x", "Bearer a b", "\x00", "Bearer \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, err := bearer([]string{header})
		if (err == nil) == (token == "") {
			t.Fatalf("%q: token %q, error %v", header, token, err)
		}
		if err == nil && (strings.ContainsAny(token, " \t\r\n\"\\,;") || !strings.Contains(header, token) || len(token) > longestToken) {
			t.Fatalf("%q: token %q", header, token)
		}
		again, err := bearer([]string{"Bearer " + token})
		if token != "" && (err != nil || again != token) {
			t.Fatalf("%q: read again %q, %v", token, again, err)
		}
	})
}
