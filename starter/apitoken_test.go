package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/starter/api/auth"
)

func TestATokenIsShownOnceAndItsEntryKnowsItByItsSHA256(t *testing.T) {
	r := lockstep(t.Context(), "api", "token", "--name", "ci", "--role", "operator", "--environments", "dev,test-*", "-o", "json")
	r.wants(t, exitDone)
	var made newToken
	if err := json.Unmarshal([]byte(r.stdout), &made); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(made.Token))
	if !strings.Contains(made.Entry, hex.EncodeToString(sum[:])) || strings.Contains(made.Entry, made.Token) {
		t.Errorf("the entry is\n%s", made.Entry)
	}
	file := filepath.Join(t.TempDir(), "access.yaml")
	if err := os.WriteFile(file, []byte("tokens:\n"+made.Entry), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.New(auth.Options{File: file}); err != nil {
		t.Errorf("the entry is no good in an access file: %v", err)
	}
}

func TestATokenForPeopleComesBeforeItsEntry(t *testing.T) {
	r := lockstep(t.Context(), "api", "token", "--name", "ci", "--role", "reader", "--environments", "*")
	r.wants(t, exitDone, auth.TokenPrefix, "below tokens:", `environments: ["*"]`)
	if !strings.HasPrefix(r.stdout, auth.TokenPrefix) {
		t.Error("the token is not on the first line")
	}
}

func TestATokenWithAWrongRoleAndEnvironmentIsNotMade(t *testing.T) {
	r := lockstep(t.Context(), "api", "token", "--name", "c i", "--role", "root", "--environments", "Dev")
	r.wants(t, exitBadInput, `"c i": is not a valid name`, `"root": is not a role`, `"Dev": matches no environment's name`)
	if strings.Contains(r.stdout+r.stderr, auth.TokenPrefix) {
		t.Error("a token was shown")
	}
}
