package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/sandbox/process"
)

func TestInstancesShareNeitherNumberNorPort(t *testing.T) {
	ports := map[int]bool{}
	numbers := map[int]bool{}
	for range 3 {
		in, err := claim()
		if err != nil {
			t.Fatal(err)
		}
		defer in.hold.Close()
		numbers[in.number] = true
		for range 5 {
			port, err := in.port()
			if err != nil {
				t.Fatal(err)
			}
			ports[port] = true
		}
	}
	if len(numbers) != 3 || len(ports) != 15 {
		t.Errorf("3 instances have %d numbers, 15 ports are %d", len(numbers), len(ports))
	}
}

func TestAPortInUseIsPassedOver(t *testing.T) {
	in, err := claim()
	if err != nil {
		t.Fatal(err)
	}
	defer in.hold.Close()
	taken, err := in.listen()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	in.next--
	port, err := in.port()
	if err != nil {
		t.Fatal(err)
	}
	if port == taken.Addr().(*net.TCPAddr).Port {
		t.Errorf("port %d was given out while in use", port)
	}
}

func TestExportsSurviveAShell(t *testing.T) {
	s := State{Kubeconfig: "/tmp/it's/kubeconfig", Registry: "r", Repository: "http://c"}
	want := `export KUBECONFIG='/tmp/it'\''s/kubeconfig'
export LOCKSTEP_MIRRORS='docker.io=http://r,helm.wso2.com=http://c/charts,maven.wso2.org=http://c,registry.lockstep.test=http://r'
`
	if diff := cmp.Diff(want, s.Exports()); diff != "" {
		t.Error(diff)
	}
}

func TestASandboxWhoseSupervisorHasGoneIsDead(t *testing.T) {
	dir := t.TempDir()
	self, err := process.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	gone := self
	gone.Started = "1"
	for _, test := range []struct {
		phase      Phase
		supervisor process.ID
		want       Phase
	}{
		{Ready, self, Ready},
		{Starting, self, Starting},
		{Ready, gone, Dead},
		{Starting, gone, Dead},
		{Failed, gone, Failed},
		{Down, gone, Down},
	} {
		if err := writeJSON(stateFile(dir), State{Phase: test.phase, Supervisor: test.supervisor}); err != nil {
			t.Fatal(err)
		}
		got, err := Status(dir)
		if err != nil || got.Phase != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.phase, got.Phase, err, test.want)
		}
	}
}

func TestAFolderOfSomethingElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Take(t.Context(), dir, true); err != nil {
		t.Errorf("down: %v", err)
	}
	if _, err := lock(t.Context(), dir); err == nil {
		t.Error("up takes a folder that holds other files")
	}
	if _, err := os.Stat(filepath.Join(dir, "images")); err != nil {
		t.Error(err)
	}
}
