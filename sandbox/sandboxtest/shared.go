package sandboxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// shared is the sandbox of this test process.
var shared struct {
	mu     sync.Mutex
	main   bool // [Main] will take it down
	box    *Sandbox
	asked  Options // of it
	failed error   // to start
}

// Main runs the tests of a package whose tests share a sandbox, and then takes that down, whether they failed or not:
//
//	func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.main = true
	shared.mu.Unlock()
	code := m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.box == nil {
		return code
	}
	if code != 0 {
		fmt.Printf("the sandbox's logs are in %s\n", filepath.Join(shared.box.Dir, "logs"))
	}
	if err := shared.box.down(code != 0); err != nil {
		fmt.Println(err)
		return max(code, 1)
	}
	return code
}

// Shared is the sandbox of all tests of the package, which the first that asks starts. So keep to namespaces of your own, and to what
// is in them; a test that kills the sandbox's programs or has its servers fail takes one of its own, with [Up]. All ask with the
// same options, and the package has a TestMain with [Main]. It skips like [Up].
func Shared(t testing.TB, o Options) *Sandbox {
	t.Helper()
	bin := Bin(t, programs()...)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	switch {
	case !shared.main:
		t.Fatal("this package has no TestMain that calls sandboxtest.Main: nobody would take the shared sandbox down")
	case shared.box == nil:
		shared.asked = o
		shared.box, shared.failed = start(bin, o)
		t.Log("gateway", shared.box.Gateway)
	case !slices.Equal(shared.asked.Args, o.Args):
		t.Fatalf("the package's sandbox is started with %q, not with %q", shared.asked.Args, o.Args)
	}
	if shared.failed != nil {
		t.Fatal(shared.failed)
	}
	return shared.box
}

// start returns a sandbox to be taken down also with an error.
func start(bin string, o Options) (*Sandbox, error) {
	// Not t.TempDir: its path is the test's name and may be long, and the logs are worth keeping when the test fails.
	dir, err := os.MkdirTemp("", "sandbox-")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{bin: bin}
	s.Dir = dir
	return s, s.up(o)
}
