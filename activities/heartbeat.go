package activities

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

	mu     sync.Mutex
	hearts map[string]*heart // by task token
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
		b.heart(beat.GetTaskToken()).answered(asked, answer, err)
	}
	return err
}

// heart is nil for an attempt that has ended.
func (b *Heartbeats) heart(token []byte) *heart {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hearts[string(token)]
}

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (b *Heartbeats) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &beating{interceptor.ActivityInboundInterceptorBase{Next: next}, b}
}

type beating struct {
	interceptor.ActivityInboundInterceptorBase
	heartbeats *Heartbeats
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (b *beating) ExecuteActivity(sdk context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	h := newHeart(sdk)
	defer b.heartbeats.attend(h)()
	defer h.begin()()
	if err := h.lease.Err(); err != nil {
		return nil, h.explain(err)
	}
	result, err := b.Next.ExecuteActivity(h.work, in)
	return result, h.explain(err)
}

// attend lets an attempt hear the answers to its heartbeats.
func (b *Heartbeats) attend(h *heart) (leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hearts == nil {
		b.hearts = map[string]*heart{}
	}
	b.hearts[h.token] = h
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.hearts, h.token)
	}
}
