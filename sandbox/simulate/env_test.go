package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lockstep/sandbox/simulate"
)

func variables() map[string]string {
	return map[string]string{
		simulate.VarRoot:      "/pods/1/rootfs",
		simulate.VarPodIP:     "10.7.1.1",
		simulate.VarListen:    "127.7.1.1",
		simulate.VarDNS:       "127.7.0.1:10053",
		simulate.VarNamespace: "apim",
		simulate.VarPodName:   "is-0",
		simulate.VarArgs:      `["/home/wso2carbon/docker-entrypoint.sh","--debug"]`,
		simulate.VarBoot:      "1.5s",
	}
}

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestAProgramSeesThePodItRunsIn(t *testing.T) {
	var log bytes.Buffer
	programs := map[string]simulate.Program{"product": func(_ context.Context, env simulate.Env) error {
		env.Log.Info("booted")
		switch {
		case env.Boot != 1500*time.Millisecond:
			t.Errorf("boot %v", env.Boot)
		case len(env.Args) != 2 || env.Args[1] != "--debug":
			t.Errorf("args %q", env.Args)
		case env.Path("/etc/../etc/hosts") != "/pods/1/rootfs/etc/hosts":
			t.Errorf("path %q", env.Path("/etc/../etc/hosts"))
		case env.Path("../../secret") != "/pods/1/rootfs/secret":
			t.Errorf("path leaves the root: %q", env.Path("../../secret"))
		}
		return errors.New("crash")
	}}
	err := simulate.Run(t.Context(), programs, "product", getenv(variables()), &log)
	if err == nil || err.Error() != "crash" {
		t.Errorf("got %v, want the program's own error", err)
	}
	if !strings.Contains(log.String(), "msg=booted") {
		t.Errorf("log %q", log.String())
	}
}

func TestWhatIsWrongWithTheEnvironmentIsSaidAtOnce(t *testing.T) {
	vars := variables()
	delete(vars, simulate.VarRoot)
	vars[simulate.VarArgs] = "not json"
	vars[simulate.VarBoot] = "soon"
	_, err := simulate.FromEnvironment(getenv(vars), io.Discard)
	for _, name := range []string{simulate.VarRoot, simulate.VarArgs, simulate.VarBoot} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in %v", name, err)
		}
	}
}

func TestAnUnknownProgramIsNamedTogetherWithTheKnownOnes(t *testing.T) {
	programs := map[string]simulate.Program{"wso2is": nil, "envoy": nil}
	err := simulate.Run(t.Context(), programs, "nginx", getenv(variables()), io.Discard)
	if err == nil || !strings.Contains(err.Error(), `"nginx"`) || !strings.Contains(err.Error(), "envoy, wso2is") {
		t.Errorf("got %v", err)
	}
}

func TestAListenerBindsThePodsOwnAddress(t *testing.T) {
	env := simulate.Env{Listen: "127.7.1.1"}
	listener, err := env.Listener(0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if host, _, _ := net.SplitHostPort(listener.Addr().String()); host != "127.7.1.1" {
		t.Errorf("bound %s", host)
	}
}

// A server that listens on all addresses has its port on every loopback address.
func TestAnIdentityServerOnTheMachineIsNotInTheWay(t *testing.T) {
	for _, port := range []int{9443, 8243, 8280, 9763} {
		if all, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil { // or else one runs indeed
			defer all.Close()
		}
		listener, err := simulate.Env{Listen: "127.7.1.1"}.Listener(port)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
	}
}
