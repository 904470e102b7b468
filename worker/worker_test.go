package main

import (
	"context"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lockstep/workflows/board"
	"lockstep/workflows/workflowstest"
)

// closed dials Temporal as somebody to whom those methods of its API are closed.
func closed(t *testing.T, address, namespace string, methods ...string) client.Client {
	t.Helper()
	guard := func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
		for _, name := range methods {
			if strings.HasSuffix(method, "/"+name) {
				return status.Error(codes.PermissionDenied, "Request unauthorized.")
			}
		}
		return invoke(ctx, method, request, reply, cc, o...)
	}
	c, err := client.Dial(client.Options{HostPort: address, Namespace: namespace, Logger: workflowstest.Silent{},
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(guard)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTheWorkerRegistersMissingSearchAttributes(t *testing.T) {
	c, address := workflowstest.Server(t, "Environment") // one is there

	t.Run("whoever may not is told what to have run", func(t *testing.T) {
		err := ensureSearchAttributes(t.Context(), closed(t, address, "default", "AddSearchAttributes"))
		if err == nil {
			t.Fatal("no error")
		}
		want := `have its administrator run:
  temporal operator search-attribute create --namespace default --name Operation --type Keyword
  temporal operator search-attribute create --namespace default --name Outcome --type Keyword
  temporal operator search-attribute create --namespace default --name Phase --type Keyword`
		if !strings.HasSuffix(err.Error(), want) || !strings.Contains(err.Error(), `namespace "default"`) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("what is missing is known also where it may not be listed", func(t *testing.T) {
		err := ensureSearchAttributes(t.Context(), closed(t, address, "default", "ListSearchAttributes", "AddSearchAttributes"))
		if err == nil || !strings.Contains(err.Error(), "--name Phase") || strings.Contains(err.Error(), "--name Environment") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("whoever may registers them, once", func(t *testing.T) {
		for range 2 {
			if err := ensureSearchAttributes(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		list, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range board.Attributes() {
			if kind := list.GetCustomAttributes()[name]; kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
				t.Errorf("%s is %s", name, kind)
			}
		}
	})

	t.Run("with all in place nothing needs to be allowed", func(t *testing.T) {
		if err := ensureSearchAttributes(t.Context(), closed(t, address, "default", "ListSearchAttributes", "AddSearchAttributes")); err != nil {
			t.Error(err)
		}
	})

	t.Run("a namespace that is not there is named", func(t *testing.T) {
		t.Setenv("TEMPORAL_NAMESPACE", "nowhere")
		err := ensureSearchAttributes(t.Context(), closed(t, address, "nowhere"))
		if err == nil || !strings.Contains(err.Error(), `"nowhere"`) || !strings.Contains(err.Error(), "does the namespace exist") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWrongSettingsKeepAWorkerFromStarting(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--log-level", "loud"})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "loud") {
		t.Errorf("got %v", err)
	}
}

func TestAWorkerDoesNotStartWithoutTheKeysItIsSetTo(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--encryption-keys", t.TempDir()})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("got %v", err)
	}
}

func TestAWorkerWithoutTemporalSaysWhereItLooked(t *testing.T) {
	workflowstest.Settings(t, "127.0.0.1:1")
	c := command()
	c.SetArgs(nil)
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "TEMPORAL_ADDRESS") {
		t.Errorf("got %v", err)
	}
}
