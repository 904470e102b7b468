package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/node"
	"lockstep/sandbox/process"
	"lockstep/sandbox/sandboxtest"
	"lockstep/sandbox/simulate"
)

// The test binary is also the program that a pod's process runs, as bin/sandbox is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "simulate" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		programs := map[string]simulate.Program{"echo": echo}
		if err := simulate.Run(ctx, programs, os.Args[2], os.Getenv, os.Stdout); err != nil {
			fmt.Println("echo:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// echo serves the file /etc/greeting; with the argument "crash" or "once" it only says it and ends.
func echo(ctx context.Context, env simulate.Env) error {
	fmt.Println("simulated echo runs", strings.Join(env.Args, " "))
	switch {
	case len(env.Args) > 1 && env.Args[1] == "crash":
		return errors.New("as asked for")
	case len(env.Args) > 1 && env.Args[1] == "once":
		return nil
	}
	listener, err := env.Listener(8080)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		greeting, _ := os.ReadFile(env.Path("/etc/greeting"))
		fmt.Fprintf(w, "%s to %s from %s", greeting, env.Getenv("WHO"), env.PodName)
	})}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const testInstance = 249

// cluster is a control plane with the node under test, namespace default.
type cluster struct {
	*testing.T
	ctx    context.Context // ends with the node
	client kubernetes.Interface
	config *rest.Config
	dir    string

	options  node.Options
	stopNode func()
}

func startCluster(t *testing.T) *cluster {
	bin := sandboxtest.Bin(t, append(controlplane.Programs(), "kwok")...)
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	plane, err := controlplane.Start(ctx, controlplane.Options{Dir: dir, Bin: bin, Port: process.FreePort, Start: func(spec process.Spec) (*process.Process, error) {
		started, err := process.Start(spec)
		if err == nil {
			t.Cleanup(func() { started.Stop(2 * time.Second) })
		}
		return started, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{T: t, dir: dir}
	if c.config, err = clientcmd.BuildConfigFromFlags("", plane.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		t.Fatal(err)
	}
	c.options = node.Options{
		Dir: dir, Kubeconfig: plane.Kubeconfig, Instance: testInstance, Binary: os.Args[0], KwokBinary: filepath.Join(bin, "kwok"),
		RegistryAddr: startRegistry(t), ProbeScale: 10, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	c.startNode()
	t.Cleanup(func() { c.stopNode() })
	return c
}

func (c *cluster) startNode() {
	ctx, stop := context.WithCancel(context.Background())
	c.ctx = ctx
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- node.Run(ctx, c.options)
	}()
	c.stopNode = func() {
		stop()
		if err := <-ended; err != nil {
			c.Errorf("the node ended with %v", err)
		}
	}
}

// startRegistry serves test/echo:1 with a file and the label of the program, and test/plain:1 without.
func startRegistry(t *testing.T) string {
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	files, err := crane.Image(map[string][]byte{"etc/greeting": []byte("hello"), "home/echo/bin/echo.sh": nil})
	if err != nil {
		t.Fatal(err)
	}
	for repository, labels := range map[string]map[string]string{
		"test/echo": {"dev.lockstep.sandbox.program": "echo"}, "test/plain": nil,
	} {
		image, err := mutate.Config(files, v1.Config{Labels: labels, Env: []string{"HOME=/home/echo"}, Entrypoint: []string{"/home/echo/bin/echo.sh"}})
		if err != nil {
			t.Fatal(err)
		}
		reference, err := name.ParseReference(address+"/"+repository+":1", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(reference, image); err != nil {
			t.Fatal(err)
		}
	}
	return address
}
