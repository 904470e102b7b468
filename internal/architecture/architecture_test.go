// Package architecture has no code: its tests hold the module to the rules of docs/code.md about who imports whom and how large a
// package is.
package architecture

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// atMost is how many files a package has without its tests: more hold more than one noun.
const atMost = 15

// tooLarge are the packages with more, and how many they have. No package is added, and no number grows.
var tooLarge = map[string]int{
	"starter":    17,
	"test/chaos": 16,
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range tree(t) {
		for _, file := range slices.Sorted(maps.Keys(f.imports)) {
			for _, imported := range f.imports[file] {
				if why := wrong(file, imported); why != "" {
					t.Errorf("%s imports %s: %s", file, strings.TrimPrefix(imported, module), why)
				}
			}
		}
	}
}

func TestPackagesAreSmall(t *testing.T) {
	folders := tree(t)
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		files, known := folders[path].files, tooLarge[path]
		switch {
		case known == 0 && files > atMost:
			t.Errorf("%s has %d files without its tests, at most %d are wanted: move a noun to a package of its own", path, files, atMost)
		case files > known && known > 0:
			t.Errorf("%s had %d files, too many already, and has %d now: put what is new elsewhere", path, known, files)
		case files <= atMost && known > 0:
			t.Errorf("%s has %d files now: take it out of tooLarge", path, files)
		}
	}
	for path := range tooLarge {
		if folders[path] == nil {
			t.Errorf("%s is no more: take it out of tooLarge", path)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	folders := tree(t)
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		if !folders[path].doc {
			t.Errorf("%s says nowhere what it is for: begin its first file with a sentence above the package clause, \"Package … is …\"", path)
		}
	}
}

func TestOnlyTheInterceptorMakesErrorsOfTemporal(t *testing.T) {
	for _, f := range tree(t) {
		if f.path == "internal/attempt" || !within(f.path, "activities") && !within(f.path, "internal") {
			continue
		}
		for _, file := range f.tells {
			if !isTest(file) {
				t.Errorf("%s makes an error of Temporal: return a failure.Error, which internal/attempt turns into one", file)
			}
		}
	}
}

func TestActivitiesMakeNoErrorsOfNoKind(t *testing.T) {
	for _, file := range tree(t)["activities"].plain {
		if !isTest(file) {
			t.Errorf("%s makes a plain error: say of what kind it is with failure.Final or failure.Transient", file)
		}
	}
}

func TestNothingHasASecondNameInAnotherPackage(t *testing.T) {
	for _, f := range tree(t) {
		for _, alias := range f.aliases {
			if layer(f.path) >= 0 {
				t.Errorf("%s: callers import the package that declares it", alias)
			}
		}
	}
}

// untied are the files that may start a program which outlasts its parent, and why.
var untied = map[string]string{
	"sandbox/process/child.go":             "it ties all others",
	"sandbox/supervisor/up.go":             "a sandbox outlasts the command that started it; one of a test is attached to it",
	"sandbox/realnode/namespaces_linux.go": "what it starts ends with the namespaces",
}

func TestNoProgramOutlastsWhoStartedIt(t *testing.T) {
	for _, f := range tree(t) {
		for _, file := range f.starts {
			if untied[file] == "" {
				t.Errorf("%s starts a program that goes on when its parent is killed: start it with process.StartChild", file)
			}
		}
	}
}

func TestOnlyTheSettingsReadTheEnvironment(t *testing.T) {
	for _, f := range tree(t) {
		for _, file := range f.reads {
			if layer(f.path) >= 0 && f.path != "config/settings" && !isTest(file) {
				t.Errorf("%s reads environment variables: make it a setting in config/settings", file)
			}
		}
	}
}
