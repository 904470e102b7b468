package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"lockstep/sandbox/node/rootfs"
)

// podRunner runs one goroutine for each pod bound to the node.
type podRunner struct {
	node    *node
	ctx     context.Context // the node's
	running sync.WaitGroup
	mu      sync.Mutex
	pods    map[types.UID]runningPod
}

type runningPod struct {
	*pod
	stop context.CancelFunc
}

// runPods runs the pods bound to the node until ctx ends and all their processes have.
func (n *node) runPods(ctx context.Context) error {
	r := &podRunner{node: n, ctx: ctx, pods: map[types.UID]runningPod{}}
	leftovers, _ := os.ReadDir(filepath.Join(n.Dir, "pods"))
	factory := informers.NewSharedInformerFactoryWithOptions(n.client, 0, informers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", Name).String()
	}))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { r.see(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { r.see(object.(*corev1.Pod)) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			r.gone(object.(*corev1.Pod).UID)
		},
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if ctx.Err() == nil {
		n.sweep(leftovers, factory.Core().V1().Pods().Lister())
	}
	<-ctx.Done()
	factory.Shutdown() // no pod is added from here on
	r.running.Wait()
	return nil
}

// sweep removes the directories of pods that went while the node was stopped.
func (n *node) sweep(leftovers []os.DirEntry, pods corelisters.PodLister) {
	bound, err := pods.List(labels.Everything())
	if err != nil {
		return
	}
	for _, dir := range leftovers {
		if slices.ContainsFunc(bound, func(object *corev1.Pod) bool { return string(object.UID) == dir.Name() }) {
			continue
		}
		if err := rootfs.Remove(filepath.Join(n.Dir, "pods", dir.Name())); err != nil {
			n.Log.Warn("removing files of a pod that has gone", "error", err)
		}
	}
}

// see starts a pod that is new, and stops one that is being deleted.
func (r *podRunner) see(object *corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.pods[object.UID]
	if !ok {
		ctx, stop := context.WithCancel(r.ctx)
		p = runningPod{pod: newPod(r.node, object), stop: stop}
		r.pods[object.UID] = p
		r.running.Go(func() { p.run(ctx, r.ctx) })
	}
	if object.DeletionTimestamp != nil {
		p.setGrace(object.DeletionGracePeriodSeconds)
		p.stop()
	}
}

// gone stops a pod that was deleted without waiting for the node, and forgets it.
func (r *podRunner) gone(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.pods[uid]; ok {
		p.stop()
		delete(r.pods, uid)
	}
}

func (p *pod) setGrace(seconds *int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seconds != nil {
		p.deleting = min(max(time.Duration(*seconds)*time.Second, time.Second), maxGrace)
	}
}

// forwardedPorts are the ports by which a pod may be reached through the API server. kwok needs a list, where a kubelet
// forwards any port: those that the pod, its probes and the Services in front of it name.
func (p *pod) forwardedPorts() []int32 {
	var ports []int32
	for _, c := range p.main {
		for _, port := range c.spec.Ports {
			ports = append(ports, port.ContainerPort)
		}
		for _, probe := range []*corev1.Probe{c.spec.StartupProbe, c.spec.ReadinessProbe, c.spec.LivenessProbe} {
			switch {
			case probe == nil:
			case probe.HTTPGet != nil:
				ports = append(ports, number(probe.HTTPGet.Port)...)
			case probe.TCPSocket != nil:
				ports = append(ports, number(probe.TCPSocket.Port)...)
			}
		}
	}
	services, err := p.node.index.Services.Services(p.object.Namespace).List(labels.Everything())
	if err != nil {
		services = nil
	}
	for _, service := range services {
		if len(service.Spec.Selector) == 0 || !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(p.object.Labels)) {
			continue
		}
		for _, port := range service.Spec.Ports {
			ports = append(ports, number(port.TargetPort)...)
		}
	}
	p.mu.Lock()
	ports = append(ports, p.opened...)
	p.mu.Unlock()
	slices.Sort(ports)
	return slices.Compact(ports)
}

func number(port intstr.IntOrString) []int32 {
	if port.Type == intstr.Int && port.IntVal > 0 {
		return []int32{port.IntVal}
	}
	return nil
}
