package attempt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lockstep/internal/attempt"
	"lockstep/internal/fence"
	"lockstep/workflows/workflowstest"
)

const queue = "leases"

// one is a workflow of one activity, named Act.
func one(timeout time.Duration) func(workflow.Context) (int32, error) {
	return func(ctx workflow.Context) (attempt int32, err error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Minute, HeartbeatTimeout: timeout,
			WaitForCancellation: true, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Millisecond}})
		err = workflow.ExecuteActivity(ctx, "Act").Get(ctx, &attempt)
		return attempt, err
	}
}

// began is a run of the workflow.
func began(t *testing.T, c client.Client, timeout time.Duration) client.WorkflowRun {
	t.Helper()
	w := worker.New(c, queue, worker.Options{LocalActivityWorkerOnly: true})
	w.RegisterWorkflowWithOptions(one(timeout), workflow.RegisterOptions{Name: "One"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "One")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// works starts a worker for the activity, whose calls of Temporal go through that interceptor.
func works(t *testing.T, address string, logger log.Logger, between grpc.UnaryClientInterceptor, act func(context.Context) (int32, error)) {
	t.Helper()
	var heartbeats attempt.Heartbeats
	options := client.Options{HostPort: address, Logger: logger}
	heartbeats.Listen(&options.ConnectionOptions)
	if between != nil {
		options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(between))
	}
	c, err := client.Dial(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := worker.New(c, queue, worker.Options{DisableWorkflowWorker: true, MaxHeartbeatThrottleInterval: 50 * time.Millisecond,
		MaxConcurrentActivityExecutionSize: 1, MaxConcurrentActivityTaskPollers: 1, // polls that are frozen too would take tasks
		Interceptors: []interceptor.WorkerInterceptor{&heartbeats}})
	w.RegisterActivityWithOptions(act, activity.RegisterOptions{Name: "Act"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// product takes what attempts write, and keeps who did.
type product struct {
	address string
	written chan struct{} // closed with the first

	mu      sync.Mutex
	writers []string
}

func newProduct(t *testing.T) *product {
	p := &product{written: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.writers = append(p.writers, string(body)); err == nil && len(p.writers) == 1 {
			close(p.written)
		}
	}))
	t.Cleanup(server.Close)
	p.address = server.URL
	return p
}

func (p *product) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.writers)
}

// write writes once, as something that knows no cancellation.
func (p *product) write(ctx context.Context, who string) error {
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, p.address, strings.NewReader(who))
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: fence.Transport(nil)}).Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestAWorkerThatIsCutOffFromTemporalWritesNothingOnceAnotherIsAtWork(t *testing.T) {
	c, address := workflowstest.Server(t)
	product, link := newProduct(t), newLink(t, address)
	run := began(t, c, 3*time.Second)
	ended := make(chan error, 1)
	works(t, link.address, workflowstest.Silent{}, nil, func(ctx context.Context) (int32, error) {
		for {
			if err := product.write(ctx, "the first"); err != nil { // it writes until it is stopped
				ended <- err
				return 1, err
			}
		}
	})
	<-product.written
	link.freeze()
	t.Cleanup(link.mu.Unlock)
	works(t, address, workflowstest.Silent{}, nil, func(ctx context.Context) (int32, error) {
		return activity.GetInfo(ctx).Attempt, product.write(ctx, "the second")
	})
	var attempt int32
	if err := run.Get(t.Context(), &attempt); err != nil || attempt != 2 {
		t.Fatalf("attempt %d: %v", attempt, err)
	}
	var lost *fence.Lost
	if err := <-ended; !errors.As(err, &lost) || !strings.Contains(lost.Reason, "cut off from Temporal") {
		t.Errorf("the first ended with %v", err)
	}
	writers := product.log()
	if at := slices.Index(writers, "the second"); at != len(writers)-1 {
		t.Errorf("%d of %d writes came after the other worker's", len(writers)-1-at, len(writers))
	}
}

func TestAnAttemptThatTemporalGaveUpBeforeItBeganDoesNothing(t *testing.T) {
	c, address := workflowstest.Server(t)
	run := began(t, c, time.Second)
	var second atomic.Bool
	taken, thaw, frozen := make(chan struct{}), make(chan struct{}), sync.Once{}
	answered := make(chan struct{})
	works(t, address, workflowstest.Silent{}, func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
		err := invoke(ctx, method, request, reply, cc, o...)
		if task, is := reply.(*workflowservice.PollActivityTaskQueueResponse); is && len(task.GetTaskToken()) > 0 {
			frozen.Do(func() {
				close(taken)
				<-thaw
			})
		}
		if _, is := request.(*workflowservice.RespondActivityTaskFailedRequest); is {
			close(answered)
		}
		return err
	}, func(context.Context) (int32, error) {
		t.Error("the first attempt began")
		return 1, nil
	})
	<-taken
	works(t, address, workflowstest.Silent{}, nil, func(ctx context.Context) (int32, error) {
		second.Store(true)
		return activity.GetInfo(ctx).Attempt, nil
	})
	var attempt int32
	if err := run.Get(t.Context(), &attempt); err != nil || attempt != 2 || !second.Load() {
		t.Fatalf("attempt %d: %v", attempt, err)
	}
	close(thaw)
	<-answered
}

// outage lets heartbeats fail while it lasts, and tells of the others.
type outage struct {
	lasts atomic.Bool
	beats chan struct{} // nil: nobody listens
}

func (o *outage) intercept(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	_, isBeat := request.(*workflowservice.RecordActivityTaskHeartbeatRequest)
	if isBeat && o.lasts.Load() {
		return status.Error(codes.Unavailable, "no route to host")
	}
	err := invoke(ctx, method, request, reply, cc, opts...)
	if isBeat {
		select {
		case o.beats <- struct{}{}:
		default:
		}
	}
	return err
}

// warnings is a logger that tells of heartbeats that the SDK gives up.
type warnings struct {
	workflowstest.Silent
	heard chan struct{}
}

func (w warnings) Warn(text string, _ ...any) {
	if strings.Contains(text, "RecordActivityHeartbeat with error") {
		select {
		case w.heard <- struct{}{}:
		default:
		}
	}
}

func TestAnAttemptOutlivesAShortOutageOfTemporalAndIsStillCancelled(t *testing.T) {
	c, address := workflowstest.Server(t)
	run := began(t, c, time.Minute)
	var out outage
	logger := warnings{heard: make(chan struct{}, 1)}
	works(t, address, logger, out.intercept, func(ctx context.Context) (int32, error) {
		out.lasts.Store(true)
		for i := range 2 { // the SDK has given up a heartbeat, and with it the activity
			attempt.Progress(ctx)(strings.Repeat("x", i+1))
			<-logger.heard
		}
		out.lasts.Store(false)
		if err := ctx.Err(); err != nil {
			t.Errorf("the activity's context has ended: %v", context.Cause(ctx))
		}
		if err := c.CancelWorkflow(context.WithoutCancel(ctx), run.GetID(), ""); err != nil {
			t.Error(err)
		}
		for n := 0; ctx.Err() == nil; n++ {
			attempt.Progress(ctx)(time.Now().String())
		}
		return 1, ctx.Err()
	})
	if err := run.Get(t.Context(), nil); !temporal.IsCanceledError(err) {
		t.Errorf("the workflow ended with %v", err)
	}
}

func TestACancelledActivityIsAliveUntilItHasFinished(t *testing.T) {
	c, address := workflowstest.Server(t)
	product := newProduct(t)
	run := began(t, c, 2*time.Second)
	calm := outage{beats: make(chan struct{})}
	works(t, address, workflowstest.Silent{}, calm.intercept, func(ctx context.Context) (int32, error) {
		if err := c.CancelWorkflow(ctx, run.GetID(), ""); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		for range 10 { // two heartbeat timeouts
			<-calm.beats
			if err := product.write(ctx, "a Helm action"); err != nil {
				t.Errorf("after its cancellation: %v", err)
				break
			}
		}
		return 1, ctx.Err()
	})
	if err := run.Get(t.Context(), nil); !temporal.IsCanceledError(err) {
		t.Errorf("the workflow ended with %v", err)
	}
}

// link is a TCP proxy that can be frozen: connections stay, and nothing comes through any more.
type link struct {
	address string
	mu      sync.RWMutex
}

func newLink(t *testing.T, to string) *link {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{address: listener.Addr().String()}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go l.carry(near, far)
			go l.carry(far, near)
		}
	}()
	return l
}

func (l *link) carry(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.RLock()
		l.mu.RUnlock() //lint:ignore SA2001 it waits here while it is frozen
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *link) freeze() { l.mu.Lock() }
