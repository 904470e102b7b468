package main

import (
	"errors"
	"strings"
	"testing"
)

const compose = "services:\n  a:\n    image: postgres:16.15\n  b:\n    image: postgres:16.15\n  c:\n    image: ${IMAGES}/lockstep:${VERSION}\n  d:\n    image: other:1@sha256:0\n"

func TestEveryImageOfOthersGetsItsDigestAndNothingElseChanges(t *testing.T) {
	got, err := pin(compose, func(image string) (string, error) { return "sha256:of-" + image, nil })
	want := strings.ReplaceAll(compose, "postgres:16.15", "postgres:16.15@sha256:of-postgres:16.15")
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	if left := unpinned(got); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWithoutADigestNothingIsWritten(t *testing.T) {
	if got, err := pin(compose, func(string) (string, error) { return "", errors.New("no such image") }); err == nil || got != "" || !strings.Contains(err.Error(), "postgres:16.15") {
		t.Errorf("got %q, %v", got, err)
	}
}
