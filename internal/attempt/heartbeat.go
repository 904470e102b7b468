package attempt

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/grpc"
)

// Heartbeats is a worker interceptor that keeps every activity alive, shows its last progress text in Temporal, brings cancellation
// to it, and puts it under a lease: an attempt is stopped before Temporal may give its task to another worker. It needs to
// [Heartbeats.Listen] on the worker's connection to Temporal.
type Heartbeats struct {
	interceptor.WorkerInterceptorBase

	mu       sync.Mutex
	attempts map[string]*attempt // by task token
}

// deadConnection is how long a connection to Temporal may leave what was sent unanswered before another is made. That has to fit
// into a lease.
const deadConnection = 5 * time.Second

// Listen prepares a connection to Temporal that is not made yet: leases live on the answers to heartbeats, which the SDK keeps to
// itself. Without it no activity begins.
func (b *Heartbeats) Listen(o *client.ConnectionOptions) {
	o.KeepAliveTimeout = deadConnection
	o.DialOptions = append(o.DialOptions, grpc.WithChainUnaryInterceptor(b.listen))
}

// listen is inside of the SDK's own interceptors: it sees every single try of a call.
func (b *Heartbeats) listen(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	asked := time.Now()
	err := invoke(ctx, method, request, reply, cc, o...)
	if beat, isBeat := request.(*workflowservice.RecordActivityTaskHeartbeatRequest); isBeat {
		answer, _ := reply.(*workflowservice.RecordActivityTaskHeartbeatResponse)
		b.attempt(beat.GetTaskToken()).answered(asked, answer, err)
	}
	return err
}

// attempt is nil for one that has ended.
func (b *Heartbeats) attempt(token []byte) *attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.attempts[string(token)]
}

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (b *Heartbeats) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &heartbeating{interceptor.ActivityInboundInterceptorBase{Next: next}, b}
}

type heartbeating struct {
	interceptor.ActivityInboundInterceptorBase
	heartbeats *Heartbeats
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (b *heartbeating) ExecuteActivity(sdk context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	a := newAttempt(sdk)
	defer b.heartbeats.attend(a)()
	defer a.begin()()
	if err := a.lease.Err(); err != nil {
		return nil, a.explain(err)
	}
	result, err := b.Next.ExecuteActivity(a.work, in)
	return result, a.explain(err)
}

// attend lets an attempt hear the answers to its heartbeats.
func (b *Heartbeats) attend(a *attempt) (leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.attempts == nil {
		b.attempts = map[string]*attempt{}
	}
	b.attempts[a.token] = a
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.attempts, a.token)
	}
}
