package simulate_test

import (
	"io"
	"testing"

	"lockstep/sandbox/simulate"
)

func TestInARealContainerFilesPortsAndNamesAreItsOwn(t *testing.T) {
	getenv := func(name string) string {
		return map[string]string{simulate.VarReal: "1", simulate.VarBoot: "2s"}[name]
	}
	env, err := simulate.FromEnvironment(getenv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got := env.Path("/home/wso2carbon"); got != "/home/wso2carbon" {
		t.Errorf("a file of the container is looked for at %s", got)
	}
	listener, err := env.Listener(0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := env.Dialer()(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
