package attempt_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"lockstep/sandbox/process"
	"lockstep/workflows/workflowstest"
)

// A test process that gets these addresses is the worker that is frozen.
var (
	frozenTemporal = flag.String("frozen.temporal", "", "address of Temporal")
	frozenProduct  = flag.String("frozen.product", "", "address to write to")
)

func TestAWorkerProcessThatWasFrozenWritesNothingWhenItGoesOn(t *testing.T) {
	if *frozenTemporal != "" {
		beFrozen(t)
		return
	}
	c, address := workflowstest.Server(t)
	product := newProduct(t)
	run := began(t, c, 3*time.Second)
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-frozen.temporal="+address, "-frozen.product="+product.address)
	if err := process.StartChild(child); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	<-product.written
	signal(t, child, syscall.SIGSTOP) // while it waits until it writes again
	works(t, address, workflowstest.Silent{}, nil, func(ctx context.Context) (int32, error) {
		return activity.GetInfo(ctx).Attempt, product.write(ctx, "the second")
	})
	var attempt int32
	if err := run.Get(t.Context(), &attempt); err != nil || attempt != 2 {
		t.Fatalf("attempt %d: %v", attempt, err)
	}
	signal(t, child, syscall.SIGCONT)
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	after := product.log()
	after = after[slices.Index(after, "the second")+1:]
	if len(after) != 1 || !strings.Contains(after[0], "stood still, for") {
		t.Errorf("after the second came %q", after)
	}
}

func signal(t *testing.T, process *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := process.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// beFrozen is a worker that writes every other second, and says last, past its lease, what stopped it.
func beFrozen(t *testing.T) {
	product, ended := &product{address: *frozenProduct}, make(chan error, 1)
	works(t, *frozenTemporal, workflowstest.Silent{}, nil, func(ctx context.Context) (int32, error) {
		for {
			if err := product.write(ctx, "the first"); err != nil {
				ended <- err
				return 1, err
			}
			<-time.After(2 * time.Second)
		}
	})
	response, err := http.Post(product.address, "text/plain", strings.NewReader((<-ended).Error()))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}
