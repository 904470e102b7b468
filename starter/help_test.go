package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestCommandsThatShowThingsSayHow(t *testing.T) {
	for _, name := range []string{"watch", "logs", "history", "ui"} {
		r := lockstep(t.Context(), name, "--help")
		own, _, _ := strings.Cut(r.stdout, "\nGlobal Flags:")
		file := filepath.Join("testdata", "help-"+name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(own), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), own); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
