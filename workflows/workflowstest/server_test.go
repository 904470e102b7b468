package workflowstest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"lockstep/sandbox/process"
)

// holds is the file in which this test, in a process of its own, tells where its server is; that process is killed then.
const holds = "WORKFLOWSTEST_HOLDS"

func TestTheServerOfAKilledTestGoes(t *testing.T) {
	if file := os.Getenv(holds); file != "" {
		_, address := Server(t, "Environment")
		if err := os.WriteFile(file, []byte(address), 0o600); err != nil {
			t.Fatal(err)
		}
		<-t.Context().Done()
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ties a child to its parent")
	}
	program(t)
	file := filepath.Join(t.TempDir(), "holds")
	test := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	test.Env = append(os.Environ(), holds+"="+file, "TMPDIR="+t.TempDir())
	if err := process.StartChild(test); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = test.Process.Kill() })
	var address []byte
	eventually(t, "the server is up", func() bool { address, _ = os.ReadFile(file); return len(address) > 0 })
	if !runs(t, string(address)) {
		t.Fatalf("no server runs at %s", address)
	}
	if err := test.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = test.Wait()
	eventually(t, "the server has gone", func() bool { return !runs(t, string(address)) })
}

// runs says whether a server runs at an address, without talking to it: one whose output nobody reads ends when it has something to say.
func runs(t *testing.T, address string) bool {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(commands, func(file string) bool {
		command, _ := os.ReadFile(file) // nothing of a process that has just ended
		return bytes.Contains(command, []byte("start-dev")) && bytes.Contains(command, []byte(port+"\x00"))
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never so: %s", what)
		}
	}
}
