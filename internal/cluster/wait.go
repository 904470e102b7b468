package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Reasons of problems for which the caller often knows a better next move, see [Hint].
const (
	ReasonStartupProbe = "StartupProbeFailed"
	ReasonCrash        = "CrashLoopBackOff"
	ReasonDeadline     = "DeadlineExceeded"
)

// WaitOption sharpens the diagnosis of a wait.
type WaitOption func(*waitOptions)

type waitOptions struct {
	hints  map[string]string
	redact func(string) string
}

// Hint replaces the next move of problems with that reason, for example to name the chart value to raise.
func Hint(reason, nextMove string) WaitOption {
	return func(o *waitOptions) { o.hints[reason] = nextMove }
}

// Redact is applied to log lines and messages before they become evidence.
func Redact(redact func(string) string) WaitOption {
	return func(o *waitOptions) { o.redact = redact }
}

func optionsOf(options []WaitOption) waitOptions {
	all := waitOptions{hints: map[string]string{}, redact: func(s string) string { return s }}
	for _, option := range options {
		option(&all)
	}
	return all
}

// WaitDeployment waits until exactly the pods of the Deployment's newest version are left and all are ready, or until
// it is clear that they will not be: then the error is a *[Problem] with the pods' events and last log lines. So it is
// when ctx ends by its deadline. progress, which may be nil, is told what is being waited for whenever that changes.
func (c *Client) WaitDeployment(ctx context.Context, namespace, name string, progress func(string), options ...WaitOption) error {
	started, last := time.Now(), verdict{}
	w := c.watchRollout(namespace, name)
	err := watchUntil(ctx, w.informers(), func() (bool, error) {
		last = diagnose(w.look(started, time.Now()))
		report(progress, &w.told, last.waiting)
		if last.problem != nil {
			return false, last.problem
		}
		return last.done, nil
	})
	return c.conclude(ctx, "Deployment "+namespace+"/"+name, err, last, w.evidence, optionsOf(options))
}

// conclude completes a problem with the log and the caller's hints, and makes one of a deadline.
func (c *Client) conclude(ctx context.Context, object string, err error, last verdict, evidence func() string, options waitOptions) error {
	var problem *Problem
	if errors.Is(err, context.DeadlineExceeded) && last.waiting == "" { // nothing was ever seen
		if err := c.unreachable(ctx); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problem):
		if problem.Object == "Deployment" {
			problem.Object = object
		}
	case errors.Is(err, context.DeadlineExceeded) && last.pending != nil:
		problem = last.pending
	case errors.Is(err, context.DeadlineExceeded):
		problem = &Problem{Reason: ReasonDeadline, Object: object, Retryable: true,
			Evidence: joinLines("still waiting: "+cmp.Or(last.waiting, "the API server gave nothing to look at"), evidence()),
			NextMove: "raise this step's time in timeouts if it is merely slow; else correct what the events and the log show"}
	default:
		return classify("waiting for "+object, err)
	}
	// A termination message may be the end of a log, too.
	problem.Evidence = joinLines(options.redact(mask(problem.Evidence)), c.logTail(ctx, last.log, options.redact))
	problem.NextMove = cmp.Or(options.hints[problem.Reason], problem.NextMove)
	return problem
}

// unreachable asks the API server for a last word; the informers keep a lost connection to themselves.
func (c *Client) unreachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := c.Version(ctx)
	return err
}

func report(progress func(string), told *string, waiting string) {
	if progress == nil || waiting == *told || waiting == "" {
		return
	}
	*told = waiting
	progress(waiting)
}

// rolloutWatch keeps what a Deployment's readiness depends on up to date.
type rolloutWatch struct {
	deployments, replicaSets, pods, events cache.SharedIndexInformer
	told                                   string
}

func (c *Client) watchRollout(namespace, name string) *rolloutWatch {
	named := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
	}
	all := func(*metav1.ListOptions) {}
	return &rolloutWatch{
		deployments: appsinformers.NewFilteredDeploymentInformer(c.kube, namespace, 0, nil, named),
		replicaSets: appsinformers.NewFilteredReplicaSetInformer(c.kube, namespace, 0, nil, all),
		pods:        coreinformers.NewFilteredPodInformer(c.kube, namespace, 0, nil, all),
		events:      coreinformers.NewFilteredEventInformer(c.kube, namespace, 0, nil, all),
	}
}

func (w *rolloutWatch) informers() []cache.SharedIndexInformer {
	return []cache.SharedIndexInformer{w.deployments, w.replicaSets, w.pods, w.events}
}

func (w *rolloutWatch) look(started, now time.Time) rollout {
	r := rollout{started: started, now: now, events: stored[*corev1.Event](w.events)}
	if found := stored[*appsv1.Deployment](w.deployments); len(found) > 0 {
		r.deployment = found[0]
		r.replicaSets = stored[*appsv1.ReplicaSet](w.replicaSets)
		r.pods = selected(r.deployment, stored[*corev1.Pod](w.pods))
	}
	return r
}

// evidence is what went wrong lately with the Deployment's own objects.
func (w *rolloutWatch) evidence() string {
	r := w.look(time.Time{}, time.Time{})
	var own events
	for _, pod := range r.pods {
		own = append(own, r.events.of(pod.UID)...)
	}
	for _, rs := range r.replicaSets {
		if r.deployment != nil && controlledBy(rs, r.deployment.UID) {
			own = append(own, r.events.of(rs.UID)...)
		}
	}
	return own.evidence()
}

func selected(deployment *appsv1.Deployment, pods []*corev1.Pod) []*corev1.Pod {
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil
	}
	var matching []*corev1.Pod
	for _, pod := range pods {
		if selector.Matches(labels.Set(pod.Labels)) {
			matching = append(matching, pod)
		}
	}
	return matching
}

func stored[T any](informer cache.SharedIndexInformer) []T {
	var all []T
	for _, item := range informer.GetStore().List() {
		if typed, ok := item.(T); ok {
			all = append(all, typed)
		}
	}
	return all
}

// tick is how often a state is judged although nothing changed: graces run out without any event.
const tick = time.Second

// watchUntil runs the informers and calls judge when they are filled, after every change, and every tick, until it is
// done or fails. Lost connections are taken up again by the informers; a refusal by the API server ends it.
func watchUntil(ctx context.Context, informers []cache.SharedIndexInformer, judge func() (done bool, err error)) error {
	watching, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	changed, failed := make(chan struct{}, 1), &lastError{}
	for _, informer := range informers {
		if err := listen(informer, changed, failed); err != nil {
			return fmt.Errorf("watching: %w", err)
		}
		running.Go(func() { informer.RunWithContext(watching) })
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if err := failed.get(); err != nil && (apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)) {
			return err
		}
		if synced(informers) {
			if done, err := judge(); done || err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			pause(ctx, 50*time.Millisecond) // changes come in flocks
		case <-ticker.C:
		}
	}
}

func listen(informer cache.SharedIndexInformer, changed chan<- struct{}, failed *lastError) error {
	signal := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(_, _ any) { signal() }, DeleteFunc: func(any) { signal() },
	})
	return errors.Join(err, informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		failed.set(err)
		signal()
	}))
}

// lastError is why the informers' newest request failed.
type lastError struct {
	mu  sync.Mutex
	err error
}

func (l *lastError) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *lastError) get() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func synced(informers []cache.SharedIndexInformer) bool {
	for _, informer := range informers {
		if !informer.HasSynced() {
			return false
		}
	}
	return true
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
